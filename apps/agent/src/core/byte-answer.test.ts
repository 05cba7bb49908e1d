import { expect, test } from 'vitest';
import { bodyPlace, judgeByteAnswer, judgeStoreAnswer, wholeLength } from './byte-answer.ts';

test.each([
  [200, null, null, { kind: 'ok' }],
  [204, '7', null, { kind: 'ok' }],
  [206, null, null, { kind: 'ok' }],
  [400, null, null, { kind: 'refused' }],
  [401, null, null, { kind: 'refused' }],
  [403, null, null, { kind: 'refused' }],
  [404, null, null, { kind: 'missing' }],
  [409, '7', null, { kind: 'offset', offsetBytes: 7 }],
  [409, null, null, { kind: 'again', afterMs: null }],
  [410, null, null, { kind: 'gone' }],
  [412, null, null, { kind: 'changed' }],
  [413, null, null, { kind: 'refused' }],
  [422, null, null, { kind: 'damaged' }],
  [429, null, '3', { kind: 'again', afterMs: 3_000 }],
  [500, null, null, { kind: 'again', afterMs: null }],
  [503, null, '1', { kind: 'again', afterMs: 1_000 }],
  [503, null, 'Mon, 05 Jan 2026 10:00:00 GMT', { kind: 'again', afterMs: null }],
  // Nobody may put an agent to sleep for a day.
  [507, null, '86400', { kind: 'again', afterMs: 300_000 }],
])('%i with the offset %j and Retry-After %j means %j', (status, offset, retryAfter, means) => {
  expect(judgeByteAnswer(status, offset, retryAfter)).toEqual(means);
});

test('a body says where it begins and how long the whole is, or is not believed', () => {
  expect(bodyPlace(206, 'bytes 5-9/10', '5')).toEqual({ startBytes: 5, totalBytes: 10 });
  expect(bodyPlace(200, null, '10')).toEqual({ startBytes: 0, totalBytes: 10 });
  expect(bodyPlace(206, null, '5')).toBeNull();
  expect(bodyPlace(206, 'bytes 5-9/*', '5')).toBeNull();
  expect(bodyPlace(200, null, null)).toBeNull();
  expect(wholeLength('bytes */10')).toBe(10);
  expect(wholeLength('bytes 0-1/10')).toBeNull();
});

test.each([
  [200, '', null, { kind: 'ok' }],
  [206, '', null, { kind: 'ok' }],
  [400, 'BadDigest', null, { kind: 'damaged' }],
  [403, 'AccessDenied', null, { kind: 'again', afterMs: null }],
  [404, 'NoSuchUpload', null, { kind: 'again', afterMs: null }],
  [503, 'SlowDown', '7', { kind: 'again', afterMs: 7_000 }],
])('of the library’s own store, %d %s %s is read as %j', (status, code, after, answer) => {
  expect(judgeStoreAnswer(status, code, after)).toEqual(answer);
});
