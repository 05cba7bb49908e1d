import type { FeedId } from '@podctl/domain/ids.ts';
import { describe, expect, test } from 'vitest';
import { Pace } from './pace.ts';

const a = 'a' as FeedId;
const b = 'b' as FeedId;
const MINUTE = 60_000;

function begun(): Pace {
  const pace = new Pace();
  expect(pace.ofFleet(0)).toBeNull();
  return pace;
}

describe('the speed', () => {
  test('is audio over time, of each feed and of the fleet', () => {
    const pace = begun();
    for (const atMs of [MINUTE, 2 * MINUTE, 3 * MINUTE]) {
      pace.done(a, 600, atMs);
      pace.done(b, 300, atMs);
    }
    expect(pace.ofFeed(a, 3 * MINUTE)).toBe(10);
    expect(pace.ofFeed(b, 3 * MINUTE)).toBe(5);
    expect(pace.ofFleet(3 * MINUTE)).toBe(15);
  });

  test('is not told below three samples, nor of a feed that was never heard of', () => {
    const pace = begun();
    pace.done(a, 600, MINUTE);
    pace.done(a, 600, MINUTE);
    expect(pace.ofFeed(a, 2 * MINUTE)).toBeNull();
    expect(pace.ofFeed(b, 2 * MINUTE)).toBeNull();
    pace.done(a, 600, MINUTE);
    expect(pace.ofFeed(a, 2 * MINUTE)).toBe(15);
  });

  test('forgets what is older than 15 minutes', () => {
    const pace = begun();
    for (let i = 0; i < 3; i += 1) pace.done(a, 900, MINUTE);
    expect(pace.ofFeed(a, 15 * MINUTE)).toBe(2_700 / (14 * 60));
    expect(pace.ofFeed(a, 16 * MINUTE)).toBeNull();
  });

  test('does not count the job whose end began the clock', () => {
    const pace = new Pace();
    for (let i = 0; i < 4; i += 1) pace.done(a, 100, i * 10_000);
    expect(pace.ofFeed(a, 30_000)).toBe(10);
  });

  test('stays the same between two steps of time when nothing is done', () => {
    const pace = begun();
    for (let i = 0; i < 3; i += 1) pace.done(a, 100, MINUTE);
    expect(pace.ofFeed(a, 2 * MINUTE + 9_999)).toBe(pace.ofFeed(a, 2 * MINUTE));
    expect(pace.ofFeed(a, 2 * MINUTE + 10_000)).not.toBe(pace.ofFeed(a, 2 * MINUTE));
  });
});
