import { describe, expect, it } from 'vitest';
import { formerUrlsOf } from './feed-record.ts';

describe('the former URLs of a feed', () => {
  it('stay as they are while it does not move', () => {
    expect(formerUrlsOf({ url: 'a', formerUrls: ['x'] }, 'a')).toEqual(['x']);
  });

  it('are the last five, newest first, without the one where it is now', () => {
    let record = { url: 'u0', formerUrls: [] as readonly string[] };
    for (const url of ['u1', 'u2', 'u3', 'u4', 'u5', 'u6', 'u2'])
      record = { url, formerUrls: formerUrlsOf(record, url) };
    expect(record).toEqual({ url: 'u2', formerUrls: ['u6', 'u5', 'u4', 'u3', 'u1'] });
  });
});
