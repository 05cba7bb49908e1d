import { expect, test } from 'vitest';
import { isTooOld } from './server-version.ts';

test('servers before 2.12.3, its pre-releases, and unreadable versions are too old', () => {
  for (const version of ['2.12.2', '2.11.9', '1.99.99', '2.12.3-RC.1', '', 'main']) {
    expect([version, isTooOld(version)]).toEqual([version, true]);
  }
  for (const version of ['2.12.3', '2.12.10', '2.15.1', 'v2.15.1', '3.0.0', '2.13.0-RC.1']) {
    expect([version, isTooOld(version)]).toEqual([version, false]);
  }
});
