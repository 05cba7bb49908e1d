import type { FetchOutcome } from '@podctl/domain/feed/poll.ts';
import { describe, expect, it, test } from 'vitest';
import { type FeedFault, type FeedVerdict, judge, standing } from './feed-verdict.ts';

const FAILING_AFTER = 3;

function answer(status: number, body = ''): Extract<FetchOutcome, { kind: 'response' }> {
  return {
    kind: 'response',
    status,
    contentType: null,
    retryAfter: null,
    etag: null,
    lastModified: null,
    finalUrl: 'https://feeds.example/a',
    movedTo: null,
    body: new TextEncoder().encode(body),
    wireBytes: body.length,
  };
}

/** The failures that a feed without any has after the verdict. */
const failuresAfter = (verdict: FeedVerdict, failures = 0) =>
  standing({ failures }, verdict, [], 7, FAILING_AFTER).failures;

describe('a feed is failing', () => {
  test.each([400, 401, 402, 403, 404, 405, 406, 410, 414, 451])('at once by a %i', (status) => {
    expect(failuresAfter(judge(answer(status), 0))).toBe(FAILING_AFTER);
  });

  test.each<FeedFault>(['address', 'url', 'size', 'document'])('at once by its %s', (fault) => {
    expect(failuresAfter(judge({ kind: 'failed', reason: 'x', fault }, 0))).toBe(FAILING_AFTER);
  });

  test.each([408, 421, 423, 425, 429, 500, 502, 503, 504, 200])(
    'only after several answers of %i, which may pass',
    (status) => {
      expect(failuresAfter(judge(answer(status), 0))).toBe(1);
    },
  );

  test.each<FeedFault>(['network', 'parser'])(
    'only after several times when it was the %s',
    (fault) => {
      expect(failuresAfter(judge({ kind: 'failed', reason: 'x', fault }, 0))).toBe(1);
    },
  );

  it('goes on counting, so that its polls come at longer and longer intervals', () => {
    const lasting = judge(answer(404), 0);
    expect(failuresAfter(lasting, FAILING_AFTER)).toBe(FAILING_AFTER + 1);
    expect(failuresAfter(judge(answer(503), 0), FAILING_AFTER)).toBe(FAILING_AFTER + 1);
  });

  it('no more with the first good answer', () => {
    for (const verdict of [judge(answer(200, '<rss/>'), 0), judge(answer(304), 0)])
      expect(standing({ failures: 9 }, verdict, [], 7, FAILING_AFTER)).toEqual({
        failures: 0,
        lastSuccessMs: 7,
        problem: null,
      });
  });
});
