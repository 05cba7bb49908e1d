import { describe, expect, test } from 'vitest';
import { classify, type FetchOutcome, isFailing, POLL_POLICY, parseRetryAfterMs } from './poll.ts';

const NOW_MS = Date.UTC(2026, 2, 20);

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
    [response({ status: 304, conditional: false, movedTo }), { kind: 'failed' }],
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

test('a feed is failing after so many failures in a row', () => {
  expect([0, 2, 3, 4].map((failures) => isFailing(failures, POLL_POLICY))).toEqual([
    false,
    false,
    true,
    true,
  ]);
});
