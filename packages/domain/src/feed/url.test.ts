import { describe, expect, test } from 'vitest';
import { enclosureKey } from './tracking.ts';
import { httpUrl, normalizeFeedUrl, withoutSecrets } from './url.ts';

describe('a feed URL', () => {
  test.each([
    ['HTTPS://Example.COM:443/Feed.xml#top', 'https://example.com/Feed.xml'],
    ['  http://example.com:80/feed \n', 'http://example.com/feed'],
    ['feed://example.com/feed', 'http://example.com/feed'],
    ['feed:https://example.com/feed', 'https://example.com/feed'],
    ['itpc://example.com/feed', 'http://example.com/feed'],
    ['example.com/feed', 'https://example.com/feed'],
    ['https://user:pass@example.com/feed?token=a', 'https://user:pass@example.com/feed?token=a'],
  ])('%j has the one form %s', (text, expected) => {
    const first = normalizeFeedUrl(text);
    expect(first).toEqual({ ok: true, value: expected });
    expect(normalizeFeedUrl(expected)).toEqual(first);
  });

  test('relative to a list is resolved against it', () => {
    const url = normalizeFeedUrl('a/feed.xml', 'http://127.0.0.1:8080/sample.opml');
    expect(url).toEqual({ ok: true, value: 'http://127.0.0.1:8080/a/feed.xml' });
  });

  test.each([
    '',
    'ftp://example.com/feed',
    'file:///etc/passwd',
    'feed.xml',
    'https://',
    'javascript:1',
  ])('%j is refused', (text) => {
    expect(normalizeFeedUrl(text).ok).toBe(false);
  });

  test('that is refused is not quoted, since it may hold a secret', () => {
    const url = normalizeFeedUrl('ftp://me:hunter2@example.com/?token=hunter2');
    expect(JSON.stringify(url)).not.toContain('hunter2');
  });

  test('is shown without user, password, query and fragment', () => {
    expect(withoutSecrets('https://me:hunter2@example.com/feed?token=hunter2#hunter2')).toBe(
      'https://example.com/feed',
    );
    expect(withoutSecrets('me:hunter2@example')).not.toContain('hunter2');
    expect(withoutSecrets('https://example.com/rss/aGVsbG8gd29ybGQgMTIzNDU2/feed.xml')).toBe(
      'https://example.com/rss/***/feed.xml',
    );
    expect(
      withoutSecrets('https://example.com/eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoxMjM0NTY3ODkwMTIz.x'),
    ).toBe('https://example.com/***.***.x');
  });

  test.each([
    'https://feeds.acast.com/public/shows/5ea17537-f11f-4532-8202-294d976b9d5c',
    'https://feeds.example/the-history-of-everything-in-100-objects-2024.xml',
    'https://feeds.example/UnabbreviatedPodcastName/rss',
    'https://feeds.example/show/12345678901234567890',
  ])('of a public feed is shown as it is: %s', (url) => {
    expect(withoutSecrets(url)).toBe(url);
  });
});

describe('an enclosure URL', () => {
  test.each([
    [' https://example.com/a b.mp3 ', 'https://example.com/a%20b.mp3'],
    ['https://example.com/a.mp3?x=1&amp;y=2', 'https://example.com/a.mp3?x=1&y=2'],
    ['//cdn.example.com/a.mp3', 'https://cdn.example.com/a.mp3'],
    ['a.mp3', 'https://feeds.test/show/a.mp3'],
    ['https://example.com/a\n.mp3', 'https://example.com/a.mp3'],
  ])('%j is %s', (text, expected) => {
    expect(httpUrl(text, 'https://feeds.test/show/feed.xml')?.href).toBe(expected);
  });

  test.each([
    [
      'https://dts.podtrac.com/redirect.mp3/chtbl.com/track/12AB/pdst.fm/e/cdn.example.com/a.mp3?utm_source=x&id=7',
      'https://cdn.example.com/a.mp3?id=7',
    ],
    ['https://op3.dev/e,pg=123/https://cdn.example.com/a.mp3', 'https://cdn.example.com/a.mp3'],
    ['https://op3.dev/e/https%3A%2F%2Fcdn.example.com%2Fa.mp3', 'https://cdn.example.com/a.mp3'],
    ['http://cdn.example.com/a.mp3?Expires=1&Signature=abc', 'https://cdn.example.com/a.mp3'],
    ['https://media.blubrry.com/show/cdn.example.com/a.mp3', 'https://cdn.example.com/a.mp3'],
    ['https://example.com/other.site.com/a.mp3', 'https://example.com/other.site.com/a.mp3'],
    ['https://dts.podtrac.com/redirect.mp3/', 'https://dts.podtrac.com/redirect.mp3/'],
  ])('%s has the key %s', (url, key) => {
    expect(enclosureKey(url)).toBe(key);
  });

  test('in a long chain of trackers still gives a key', () => {
    expect(enclosureKey(`https://op3.dev/e/${'op3.dev/e/'.repeat(100)}example.com/a.mp3`)).toMatch(
      /^https:/,
    );
  });
});
