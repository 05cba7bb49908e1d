import { describe, expect, test } from 'vitest';
import { judgeAnswer } from './http-answer.ts';

const NONE = { contentLength: null, retryAfter: null };
const NOW_MS = Date.UTC(2026, 0, 1);

describe('an answer to a GET of audio', () => {
  test('200 is a body, with the length that the host gives', () => {
    const given = { ...NONE, contentLength: '1234' };
    expect(judgeAnswer(200, given, NOW_MS)).toEqual({ kind: 'body', lengthBytes: 1234 });
    const rubbish = { ...NONE, contentLength: 'many' };
    expect(judgeAnswer(200, rubbish, NOW_MS)).toEqual({ kind: 'body', lengthBytes: null });
  });

  test('410 is final and 404 is not', () => {
    expect(judgeAnswer(410, NONE, NOW_MS)).toMatchObject({
      fault: { code: 'http_410', final: true },
    });
    expect(judgeAnswer(404, NONE, NOW_MS)).toMatchObject({
      fault: { code: 'http_404', final: false },
    });
  });

  test('429 and 503 pass on how long the host wants us to wait, in seconds or as a date', () => {
    const seconds = judgeAnswer(429, { ...NONE, retryAfter: '120' }, NOW_MS);
    expect(seconds).toMatchObject({ fault: { retryAfterMs: 120_000, final: false } });
    const date = { ...NONE, retryAfter: 'Thu, 01 Jan 2026 00:01:00 GMT' };
    expect(judgeAnswer(503, date, NOW_MS)).toMatchObject({ fault: { retryAfterMs: 60_000 } });
  });

  test('an answer that is neither body nor redirect is a fault', () => {
    for (const status of [204, 206, 304, 400, 401, 403, 500])
      expect(judgeAnswer(status, NONE, NOW_MS).kind).toBe('fault');
    expect(judgeAnswer(302, NONE, NOW_MS)).toEqual({ kind: 'redirect' });
  });
});
