import { expect, test } from 'vitest';
import { listChanges, seenItems } from './list-changes.ts';

const seen = (...items: { id: string; n: number }[]) => seenItems(items, ({ id }) => id);

test('what is new, what differs and what is gone is told, and nothing else', () => {
  const before = seen({ id: 'a', n: 1 }, { id: 'b', n: 1 }, { id: 'c', n: 1 });
  const now = seen({ id: 'a', n: 1 }, { id: 'b', n: 2 }, { id: 'd', n: 1 });
  expect(listChanges(before, now).map(({ type, item }) => [type, item])).toEqual([
    ['changed', { id: 'b', n: 2 }],
    ['added', { id: 'd', n: 1 }],
    ['removed', { id: 'c', n: 1 }],
  ]);
  expect(listChanges(now, now)).toEqual([]);
});
