import { describe, expect, test } from 'vitest';
import { basicAuthorization, firstHop, followRedirect, REDIRECTS_MAX } from './redirect.ts';

function walk(from: string, ...steps: readonly [number, string | null][]) {
  let chain = firstHop(from);
  for (const [status, location] of steps) {
    const next = followRedirect(chain, status, location);
    if (!next.ok) return next.error;
    chain = next.value;
  }
  const { url, movedTo, credentials } = chain.hop;
  return { url: url.href, movedTo, hasCredentials: credentials !== null };
}

describe('where a feed moves to', () => {
  test('permanent redirects move it, the last one counts', () => {
    const end = walk('http://a.test/', [301, 'https://a.test/'], [308, '/feed']);
    expect(end).toMatchObject({ url: 'https://a.test/feed', movedTo: 'https://a.test/feed' });
  });

  test('temporary ones do not, nor does what follows them', () => {
    expect(walk('http://a.test/', [302, '/b'])).toMatchObject({ movedTo: null });
    const end = walk('http://a.test/', [301, '/b'], [307, '/c'], [301, '/d']);
    expect(end).toMatchObject({ url: 'http://a.test/d', movedTo: 'http://a.test/b' });
  });

  test('circles, long chains, other schemes and missing locations end it', () => {
    expect(walk('http://a.test/', [301, '/b'], [301, '/'])).toContain('circle');
    const long = Array.from({ length: REDIRECTS_MAX + 1 }, (_, i): [number, string] => [
      302,
      `/${i}`,
    ]);
    expect(walk('http://a.test/', ...long.slice(1))).toHaveProperty('url');
    expect(walk('http://a.test/', ...long)).toContain('more than 5 times');
    expect(walk('http://a.test/', [301, 'file:///etc/passwd'])).toContain('only http and https');
    expect(walk('http://a.test/', [301, null])).toContain('without saying where');
  });
});

describe('credentials of the URL', () => {
  test.each([
    ['https://a.test/b', true],
    ['https://b.test/', false],
    ['http://a.test/', false],
    ['https://a.test:8443/', false],
  ])('on the way to %s are sent: %s', (location, isSent) => {
    expect(walk('https://me:pw@a.test/', [302, location])).toMatchObject({
      hasCredentials: isSent,
    });
  });

  test('survive the upgrade to https, also in the moved URL', () => {
    expect(walk('http://me:pw@a.test/', [301, 'https://a.test/'])).toMatchObject({
      url: 'https://a.test/',
      movedTo: 'https://me:pw@a.test/',
    });
  });

  test('do not come back once another host was met', () => {
    const end = walk('https://me:pw@a.test/', [302, 'https://b.test/'], [302, 'https://a.test/c']);
    expect(end).toMatchObject({ hasCredentials: false });
  });

  test('are sent as UTF-8', () => {
    const { credentials } = firstHop('https://m%C3%A9:p%40w@a.test/').hop;
    expect(credentials).toEqual({ username: 'mé', password: 'p@w' });
    expect(credentials && basicAuthorization(credentials)).toBe('Basic bcOpOnBAdw==');
  });
});
