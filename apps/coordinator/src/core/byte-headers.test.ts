import { describe, expect, test } from 'vitest';
import { matches, parseRange, parseUploadPiece } from './byte-headers.ts';

const digest = `sha-256=:${Buffer.alloc(32, 0xab).toString('base64')}:`;
const fields = { offset: '5', complete: '?1', length: '9', digest };

describe('the fields of an upload', () => {
  test('say where a piece begins, and what the whole must be in the end', () => {
    expect(parseUploadPiece({ ...fields, complete: '?0' })).toEqual({
      ok: true,
      value: { offsetBytes: 5, whole: null },
    });
    expect(parseUploadPiece(fields)).toEqual({
      ok: true,
      value: { offsetBytes: 5, whole: { sizeBytes: 9, sha256: 'ab'.repeat(32) } },
    });
  });

  test.each([
    ['Upload-Offset', { offset: undefined }],
    ['Upload-Offset', { offset: '-1' }],
    ['Upload-Offset', { offset: '1e3' }],
    ['Upload-Offset', { offset: '9'.repeat(16) }],
    ['Upload-Complete', { complete: undefined }],
    ['Upload-Complete', { complete: 'true' }],
    ['Upload-Length', { length: undefined }],
    ['Upload-Length', { length: '4' }],
    ['Repr-Digest', { digest: undefined }],
    ['Repr-Digest', { digest: 'sha-256=:AAAA:' }],
    ['Repr-Digest', { digest: digest.replace('sha-256', 'sha-512') }],
  ])('are refused for their %s when it is %j', (name, change) => {
    expect(parseUploadPiece({ ...fields, ...change })).toEqual({ ok: false, error: name });
  });
});

test.each([
  [undefined, null],
  ['bytes=0-', { startBytes: 0, endBytes: 10 }],
  ['bytes=3-', { startBytes: 3, endBytes: 10 }],
  ['bytes=3-5', { startBytes: 3, endBytes: 6 }],
  ['bytes=3-99', { startBytes: 3, endBytes: 10 }],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=5-3', 'unsatisfiable'],
  // What is not understood is passed over: the whole is answered.
  ['bytes=-3', null],
  ['bytes=1-2,4-5', null],
  ['lines=1-2', null],
] as const)('the range %j of ten bytes is %j', (header, range) => {
  expect(parseRange(header, 10)).toEqual(range);
});

test('If-Match lets through its tag, any of several, and all for a star', () => {
  expect(matches(undefined, '"a"')).toBe(true);
  expect(matches('*', '"a"')).toBe(true);
  expect(matches('"b", "a"', '"a"')).toBe(true);
  expect(matches('"b"', '"a"')).toBe(false);
  expect(matches('W/"a"', '"a"')).toBe(false);
});
