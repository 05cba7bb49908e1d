import { describe, expect, test } from 'vitest';
import { admit, mayBegin } from './admission.ts';

const SLOTS = { download: 2, transcribe: 0 };

describe('admission', () => {
  test('begins while a slot is free, then lets as many wait as may run, then refuses', () => {
    expect(admit('download', SLOTS, { running: 1, waiting: 0 })).toBe('begin');
    expect(admit('download', SLOTS, { running: 2, waiting: 1 })).toBe('wait');
    expect(admit('download', SLOTS, { running: 2, waiting: 2 })).toBe('refuse');
  });

  test('nobody overtakes those that wait', () => {
    expect(admit('download', SLOTS, { running: 1, waiting: 1 })).toBe('wait');
  });

  test('a stage without slots takes nothing', () => {
    expect(admit('transcribe', SLOTS, { running: 0, waiting: 0 })).toBe('refuse');
  });

  test('as many may begin as there are free slots and jobs that wait', () => {
    expect(mayBegin('download', SLOTS, { running: 1, waiting: 2 })).toBe(1);
    expect(mayBegin('download', SLOTS, { running: 0, waiting: 1 })).toBe(1);
    expect(mayBegin('download', SLOTS, { running: 3, waiting: 1 })).toBe(0);
  });
});
