import { describe, expect, it } from 'vitest';
import { strongValidator } from './validator.ts';

const NOW_MS = Date.UTC(2026, 0, 6);
const none = { etag: null, lastModified: null, date: null };
const of = (headers: Partial<typeof none> | object) =>
  strongValidator({ ...none, ...headers }, NOW_MS);

describe('a strong validator', () => {
  it('is an ETag that is not weak', () => {
    expect(of({ etag: '"a-1"' })).toEqual({ kind: 'etag', value: '"a-1"' });
    for (const etag of ['W/"a"', 'a', '"a', '"a"b"', `"${'x'.repeat(300)}"`])
      expect(of({ etag })).toBeNull();
  });

  it('is no date beside a weak ETag: the host has said that it is not', () => {
    const date = 'Mon, 05 Jan 2026 12:00:00 GMT';
    const lastModified = 'Mon, 05 Jan 2026 10:00:00 GMT';
    expect(of({ lastModified, date })).toEqual({ kind: 'modified', value: lastModified });
    expect(of({ etag: 'W/"a"', lastModified, date })).toBeNull();
  });

  it('is no date within a minute of the answer’s own, after it, without one, or that is none', () => {
    const date = 'Mon, 05 Jan 2026 12:00:00 GMT';
    for (const lastModified of [
      'Mon, 05 Jan 2026 11:59:30 GMT',
      'Mon, 05 Jan 2026 12:30:00 GMT',
      'soon',
    ])
      expect(of({ lastModified, date })).toBeNull();
    expect(of({ lastModified: 'Mon, 05 Jan 2026 10:00:00 GMT' })).toBeNull();
  });
});
