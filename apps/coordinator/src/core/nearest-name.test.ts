import { expect, test } from 'vitest';
import { nearestName } from './nearest-name.ts';

const names = ['hardcore-history', 'in-our-time', 'radiolab'];

test('the name that was meant is the nearest one, or one that begins so', () => {
  expect(nearestName('hardcor-histroy', names)).toBe('hardcore-history');
  expect(nearestName('in-our-tme', names)).toBe('in-our-time');
  expect(nearestName('radio', names)).toBe('radiolab');
});

test('a part of a name is enough, with or without its hyphens', () => {
  expect(nearestName('history', names)).toBe('hardcore-history');
  expect(nearestName('inourtime', names)).toBe('in-our-time');
  expect(nearestName('----', names)).toBeNull();
});

test('it is none when nothing is near: a short name may have no letter wrong', () => {
  expect(nearestName('cooking', names)).toBeNull();
  expect(nearestName('ra', names)).toBeNull();
  expect(nearestName('radiolab', [])).toBeNull();
  expect(nearestName('r'.repeat(1_000_000), names)).toBeNull();
});
