import { describe, expect, test } from 'vitest';
import { formatJoinToken, isTokenId, isTokenSecret, parseJoinToken } from './join-token.ts';

const token = {
  url: 'https://head.example.org:4711',
  caSha256: '0123456789abcdef'.repeat(4),
  id: 'abcdefghij234567',
  secret: 'abcdefghijklmnopqrstuvwxyz234567',
};

test.each(['https://head.example.org:4711', 'https://10.0.0.7:1', 'https://[fd00::1]:65535'])(
  'a token of %s is read back as it was written',
  (url) => {
    const text = formatJoinToken({ ...token, url });
    expect(text).toMatch(/^pj1\.[A-Za-z0-9_-]+\.[0-9a-f]{64}\.[a-z2-7]{16}\.[a-z2-7]{32}$/);
    expect(parseJoinToken(` ${text}\n`)).toEqual({ ok: true, value: { ...token, url } });
  },
);

describe('refused, without a word of what was pasted, is', () => {
  const text = formatJoinToken(token);
  const parts = text.split('.');
  const changed = (index: number, part: string) =>
    parts.map((old, i) => (i === index ? part : old)).join('.');
  const placed = (url: string) => formatJoinToken({ ...token, url });
  test.each([
    ['nothing', ''],
    ['another version', changed(0, 'pj2')],
    ['a place that is no base64', changed(1, '!!!!')],
    ['a place without TLS', placed('http://head.example.org:4711')],
    ['a place with a path', placed('https://head.example.org:4711/x')],
    ['a place with a user', placed('https://a@head.example.org:4711')],
    ['a place without a port', placed('https://head.example.org')],
    ['a place with port 0', placed('https://head.example.org:0')],
    ['a place with a port beyond all', placed('https://head.example.org:65536')],
    ['a short fingerprint', changed(2, 'abc')],
    ['a fingerprint in capitals', changed(2, token.caSha256.toUpperCase())],
    ['a short id', changed(3, 'abc')],
    ['a secret cut short', text.slice(0, -1)],
    ['one part too many', `${text}.more`],
    ['one part too few', parts.slice(0, 4).join('.')],
    ['a text without end', text.padEnd(2_000, 'a')],
  ])('%s', (_what, pasted) => {
    const parsed = parseJoinToken(pasted);
    expect(parsed.ok).toBe(false);
    if (parsed.ok) return;
    for (const part of pasted.split('.').filter(({ length }) => length > 4))
      expect(parsed.error).not.toContain(part);
  });
});

test('ids and secrets are of fixed lengths, so that one is never taken for the other', () => {
  expect([isTokenId(token.id), isTokenSecret(token.secret)]).toEqual([true, true]);
  expect([isTokenId(token.secret), isTokenSecret(token.id)]).toEqual([false, false]);
});
