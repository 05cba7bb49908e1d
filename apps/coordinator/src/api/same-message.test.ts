import { expect, test } from 'vitest';
import { sameMessage } from './same-message.ts';

const feed = (stalledSince: number, episodes = 3) => ({
  id: 'a',
  episodes,
  stalledSince: new Date(stalledSince),
  jobs: [{ token: 5n }],
});

test('messages that differ by less than the tolerance in a moment say the same', () => {
  expect(sameMessage(feed(10_000), feed(10_999), 1_000)).toBe(true);
  expect(sameMessage(feed(10_000), feed(11_000), 1_000)).toBe(false);
});

test('a changed count, a changed list, and a field that came or went are changes', () => {
  expect(sameMessage(feed(0, 3), feed(0, 4), 1_000)).toBe(false);
  expect(sameMessage({ jobs: [1n] }, { jobs: [1n, 2n] }, 1_000)).toBe(false);
  expect(sameMessage({ at: undefined }, { at: new Date(0) }, 1_000)).toBe(false);
  expect(sameMessage({ a: 1 }, { b: 1 }, 1_000)).toBe(false);
});
