import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { POLL_POLICY, type PollPolicy } from './poll.ts';
import { afterPoll, type FeedPolling, wantsWhole } from './polling.ts';
import { nextPoll, nextTry, type RhythmSource, rhythmOf } from './schedule.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** A Friday, midnight. */
const NOW_MS = Date.UTC(2026, 2, 20);
const POLICY: PollPolicy = {
  ...POLL_POLICY,
  pollEveryMsMin: 15 * MINUTE_MS,
  pollEveryMsMax: DAY_MS,
};

const every = (gapMs: number, items = 20, agoMs = 0) =>
  Array.from({ length: items }, (_, i) => NOW_MS - agoMs - i * gapMs);

function polled(
  dates: readonly (number | null)[],
  says: Omit<RhythmSource, 'items'> = {},
): FeedPolling {
  const items = dates.map((publishedMs) => ({ publishedMs }));
  const rhythm = rhythmOf({ items, ...says }, NOW_MS);
  const end = { came: 'new', fresh: dates.length, why: '', rhythm, fallbackAgent: false } as const;
  return afterPoll(undefined, end, NOW_MS);
}

const wait = (polling: FeedPolling | undefined, random = 0.5, nowMs = NOW_MS) =>
  nextPoll(nowMs, POLICY, polling, random).atMs - nowMs;
const why = (polling: FeedPolling | undefined) => nextPoll(NOW_MS, POLICY, polling, 0.5).why;

describe('a feed that is read', () => {
  test.each([
    ['weekly', 7 * DAY_MS, 14 * HOUR_MS, 'something new comes about every 7 days'],
    ['daily', DAY_MS, 2 * HOUR_MS, 'something new comes about every 24 hours'],
    ['hourly', HOUR_MS, 15 * MINUTE_MS, 'something new comes about every 60 minutes'],
    ['monthly', 30 * DAY_MS, DAY_MS, 'something new comes about every 30 days'],
  ])('%s is asked again by its own rhythm, within the bounds', (_, gapMs, waitMs, reason) => {
    expect(wait(polled(every(gapMs)))).toBe(waitMs);
    expect(why(polled(every(gapMs)))).toBe(reason);
  });

  test('and tells no rhythm is asked by the setting', () => {
    for (const dates of [[], [null, null, null], [NOW_MS], every(10 * MINUTE_MS, 3)])
      expect(wait(polled(dates))).toBe(HOUR_MS);
    expect(why(undefined)).toBe('how often something comes is not known yet');
  });

  test('and fell silent is asked less and less, up to the longest interval', () => {
    const silent = polled(every(DAY_MS, 20, 4 * DAY_MS));
    expect(wait(silent)).toBe(8 * HOUR_MS);
    expect(why(silent)).toBe('nothing new came for 4 days');
    expect(wait(polled(every(DAY_MS, 20, 900 * DAY_MS)))).toBe(DAY_MS);
  });

  test('and put a whole season out at once is not taken for one that does so every day', () => {
    const season = Array.from({ length: 10 }, () => NOW_MS - DAY_MS);
    expect(wait(polled([...season, ...every(365 * DAY_MS, 3, 300 * DAY_MS)]))).toBe(DAY_MS);
  });

  test('and is complete is asked at the longest interval', () => {
    expect(wait(polled(every(HOUR_MS), { isComplete: true }))).toBe(DAY_MS);
    expect(why(polled(every(HOUR_MS), { isComplete: true }))).toBe('it says that it is complete');
  });

  test('and asks for patience gets it, within the bounds', () => {
    expect(wait(polled(every(HOUR_MS), { ttlMinutes: 300 }))).toBe(5 * HOUR_MS);
    expect(wait(polled(every(HOUR_MS), { ttlMinutes: 90 * 1_440 }))).toBe(DAY_MS);
    expect(wait(polled(every(7 * DAY_MS), { ttlMinutes: 1 }))).toBe(14 * HOUR_MS);
  });

  test('and gives no dates is asked by how often something came', () => {
    let polling = polled([]);
    for (const day of [1, 2, 3, 4, 5]) {
      const end = { came: 'new', fresh: 1, why: '', rhythm: null, fallbackAgent: null } as const;
      polling = afterPoll(polling, end, NOW_MS + day * DAY_MS);
    }
    expect(polling.arrivalGapMs).toBe(DAY_MS);
    expect(wait(polling, 0.5, NOW_MS + 5 * DAY_MS)).toBe(2 * HOUR_MS);
  });

  test('is asked neither sooner nor later than the bounds and a tenth, whatever it says', () => {
    const date = fc.option(fc.integer({ min: -1e12, max: NOW_MS + 1e12 }));
    const pacing = fc.record({
      ttlMinutes: fc.integer({ min: -9, max: 1e9 }),
      isComplete: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(date),
        pacing,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (...of) => {
          const [dates, says, random] = of;
          const waitMs = wait(polled(dates, says), random);
          expect(waitMs).toBeGreaterThanOrEqual(0.9 * 15 * MINUTE_MS);
          expect(waitMs).toBeLessThanOrEqual(1.1 * DAY_MS);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('drifts apart from those that were read at the same moment', () => {
    expect(wait(undefined, 0)).toBe(54 * MINUTE_MS);
    expect(wait(undefined, 0.999)).toBeGreaterThan(65 * MINUTE_MS);
  });
});

describe('a feed that failed', () => {
  const tried = (failures: number, retryAfterMs: number | null) =>
    nextTry(NOW_MS, POLICY, { failures, retryAfterMs }, 0.5);

  test('backs off from 60 s, doubling, to 30 min', () => {
    const waits = [1, 2, 3, 6, 50].map(
      (failures) => (tried(failures, null).atMs - NOW_MS) / MINUTE_MS,
    );
    expect(waits).toEqual([1, 2, 4, 30, 30]);
    expect(tried(3, null).why).toBe('the last poll failed');
  });

  test('is never asked before the host allows', () => {
    expect(tried(1, HOUR_MS)).toEqual({
      atMs: NOW_MS + HOUR_MS,
      why: 'the host asked to wait so long',
    });
    expect(tried(1, 1).atMs - NOW_MS).toBe(MINUTE_MS);
  });
});

describe('the whole feed', () => {
  const unchanged = {
    came: 'unchanged',
    fresh: 0,
    why: '',
    rhythm: null,
    fallbackAgent: null,
  } as const;

  test('is asked for once a week, however often the host says "unchanged"', () => {
    const first = polled(every(DAY_MS));
    const later = afterPoll(first, unchanged, NOW_MS + 6 * DAY_MS);
    expect(wantsWhole(later, NOW_MS + 6 * DAY_MS)).toBe(false);
    expect(wantsWhole(later, NOW_MS + 7 * DAY_MS)).toBe(true);
  });

  test('is asked for a week after the update of an older version’s record', () => {
    expect(wantsWhole(undefined, NOW_MS)).toBe(false);
    const after = afterPoll(undefined, unchanged, NOW_MS);
    expect(wantsWhole(after, NOW_MS + 7 * DAY_MS)).toBe(true);
  });
});
