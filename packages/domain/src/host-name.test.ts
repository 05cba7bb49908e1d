import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type HostName,
  hostAt,
  hostFromKey,
  hostInKey,
  hostName,
  hostOfEnclosure,
} from './host-name.ts';

describe('the host of an enclosure', () => {
  test.each([
    ['https://cdn.example.org/a.mp3', 'cdn.example.org'],
    ['https://CDN.Example.ORG.:8443/a.mp3', 'cdn.example.org'],
    ['http://127.0.0.2:8080/a.mp3', '127.0.0.2'],
    ['http://[::1]:8080/a.mp3', '[::1]'],
    ['https://bücher.example/a.mp3', 'xn--bcher-kva.example'],
    ['https://my_show.example.org/a.mp3', 'my_show.example.org'],
    ['https://dts.podtrac.com/redirect.mp3/cdn.example.org/a.mp3', 'cdn.example.org'],
    ['https://op3.dev/e/https://pdst.fm/e/cdn.example.org/a.mp3', 'cdn.example.org'],
    ['https://op3.dev/about', 'op3.dev'],
  ])('%s is %s, whatever port and tracking is before it', (url, host) => {
    expect(hostOfEnclosure(url)).toBe(host);
  });

  test.each(['', 'no url', 'mailto:a@example.org', 'https://exa mple/'])('%j names none', (url) => {
    expect(hostOfEnclosure(url)).toBeNull();
  });
});

test('every host that a URL can name has one key of its own, which reads back', () => {
  const ofUrls = fc.domain().map((text) => hostAt(new URL(`https://${text}/`)));
  const ofDigits = fc
    .oneof(
      fc.ipV4(),
      fc.ipV6().map((text) => `[${text}]`),
    )
    .map((text) => {
      const url = URL.parse(`http://${text}/`);
      return url === null ? null : hostAt(url);
    });
  const names = fc
    .oneof(
      ofUrls,
      ofDigits,
      fc.stringMatching(/^[a-z0-9_.:[\]-]{1,40}$/).map((text) => text as HostName),
    )
    .filter((host) => host !== null);
  fc.assert(
    fc.property(names, (host) => {
      const key = hostInKey(host);
      expect(key).toMatch(/^[a-z0-9=-]+$/);
      expect(hostFromKey(key)).toEqual({ ok: true, value: host });
    }),
    { numRuns: 100 },
  );
});

test.each(['', 'a b', 'A.example', 'a/b', `${'a'.repeat(254)}`, 'a\u0000'])(
  '%j is no host',
  (text) => {
    expect(hostName(text).ok).toBe(false);
  },
);
