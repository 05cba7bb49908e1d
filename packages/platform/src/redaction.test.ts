import { expect, it } from 'vitest';
import { withoutSecrets } from './redaction.ts';

it.each([
  ['nats://user:pass@host:4222', 'nats://***@host:4222'],
  ['nats://a:b@h1:1,nats://c:d@h2:2', 'nats://***@h1:1,nats://***@h2:2'],
  ['https://h/feed.xml?key=abc&x=1#top', 'https://h/feed.xml?***#top'],
  ['https://u:p@w@h/a?b=c', 'https://***@h/a?***'],
  ['got https://h/a?t=1 and https://h/b?t=2.', 'got https://h/a?*** and https://h/b?***'],
  ['https://h/@user/feed', 'https://h/@user/feed'],
  ['https://h/rss/aGVsbG8gd29ybGQgMTIzNDU2.xml, again', 'https://h/rss/***.xml, again'],
  ['nats://h/aGVsbG8gd29ybGQgMTIzNDU2', 'nats://h/aGVsbG8gd29ybGQgMTIzNDU2'],
  ['who? me@home', 'who? me@home'],
])('%s is shown as %s', (text, shown) => {
  expect(withoutSecrets(text)).toBe(shown);
});

it('JSON stays the same JSON around it', () => {
  const value = { a: 'https://u:p@h/x?y="z"', b: ['s3://k:s@b'], c: 'line\nhttps://h?q' };
  expect(JSON.parse(withoutSecrets(JSON.stringify(value)))).toEqual({
    a: 'https://***@h/x?***"z"',
    b: ['s3://***@b'],
    c: 'line\nhttps://h?***',
  });
});
