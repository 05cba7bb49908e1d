import { describe, expect, test } from 'vitest';
import {
  classify,
  type FetchOutcome,
  isFailing,
  nextPollMs,
  POLL_POLICY,
  parseRetryAfterMs,
} from './poll.ts';

const NOW_MS = Date.UTC(2026, 2, 20);
const MINUTE_MS = 60_000;

const response = (some: Partial<Extract<FetchOutcome, { kind: 'response' }>>): FetchOutcome => ({
  kind: 'response',
  status: 200,
  contentType: 'text/xml',
  retryAfter: null,
  etag: null,
  lastModified: null,
  finalUrl: 'https://x.test/feed',
  movedTo: null,
  body: Uint8Array.of(60),
  wireBytes: 1,
  ...some,
});

describe('what a fetch means', () => {
  const movedTo = 'https://new.test/feed';
  test.each([
    [response({}), { kind: 'fresh', movedTo: null }],
    [response({ movedTo }), { kind: 'fresh', movedTo }],
    [response({ status: 304, movedTo }), { kind: 'unchanged', movedTo }],
    [response({ status: 410 }), { kind: 'gone' }],
    [response({ status: 404, movedTo }), { kind: 'failed', retryAfterMs: null }],
    [response({ status: 500 }), { kind: 'failed', reason: expect.stringContaining('500') }],
    [response({ status: 429, retryAfter: '120' }), { kind: 'failed', retryAfterMs: 120_000 }],
    [response({ body: new Uint8Array() }), { kind: 'failed' }],
    [{ kind: 'failed', reason: 'r' } as const, { kind: 'failed', reason: 'r', retryAfterMs: null }],
  ])('%#', (outcome, verdict) => {
    expect(classify(outcome, NOW_MS)).toMatchObject(verdict);
  });

  test('a redirect into an error page moves nothing', () => {
    expect(classify(response({ status: 404, movedTo }), NOW_MS)).not.toHaveProperty('movedTo');
  });
});

test('Retry-After is seconds or a date, a day at most', () => {
  expect(parseRetryAfterMs('30', NOW_MS)).toBe(30_000);
  expect(parseRetryAfterMs('Fri, 20 Mar 2026 00:01:00 GMT', NOW_MS)).toBe(60_000);
  expect(parseRetryAfterMs('Fri, 20 Mar 2020 00:01:00 GMT', NOW_MS)).toBe(0);
  expect(parseRetryAfterMs('99999999', NOW_MS)).toBe(86_400_000);
  expect(parseRetryAfterMs('later', NOW_MS)).toBeNull();
  expect(parseRetryAfterMs(null, NOW_MS)).toBeNull();
});

describe('the next poll', () => {
  const waitMs = (failures: number, retryAfterMs: number | null, random: number) =>
    nextPollMs(NOW_MS, POLL_POLICY, { failures, retryAfterMs }, random) - NOW_MS;

  test('comes after the interval, with jitter on both sides', () => {
    expect(waitMs(0, null, 0)).toBe(57 * MINUTE_MS);
    expect(waitMs(0, null, 0.5)).toBe(60 * MINUTE_MS);
  });

  test('backs off from 60 s, doubling, to 30 min', () => {
    const waits = [1, 2, 3, 6, 50].map((failures) => waitMs(failures, null, 0.5) / MINUTE_MS);
    expect(waits).toEqual([1, 2, 4, 30, 30]);
  });

  test('never comes before the host allows', () => {
    expect(waitMs(1, 3_600_000, 0.5)).toBe(3_600_000);
    expect(waitMs(1, 1, 0.5)).toBe(MINUTE_MS);
  });
});

test('a feed is failing after so many failures in a row', () => {
  expect([0, 2, 3, 4].map((failures) => isFailing(failures, POLL_POLICY))).toEqual([
    false,
    false,
    true,
    true,
  ]);
});
