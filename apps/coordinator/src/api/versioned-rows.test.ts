import { expect, test } from 'vitest';
import { VersionedRows } from './versioned-rows.ts';

interface Row {
  readonly id: string;
  readonly n: number;
}
const row = (id: string, n = 0): Row => ({ id, n });
const rows = () => new VersionedRows<Row>(({ id }) => id);
const ids = (found: readonly Row[]) => found.map(({ id }) => id);

test('rows are told that changed after a version, in the order of their ids', () => {
  const some = rows();
  expect(some.update([row('b'), row('a')], 1)).toBe(true);
  expect(some.update([row('b'), row('a')], 2)).toBe(false);
  expect(some.update([row('b', 1), row('a'), row('c')], 2)).toBe(true);
  expect(ids(some.since(0))).toEqual(['a', 'b', 'c']);
  expect(ids(some.since(1))).toEqual(['b', 'c']);
  expect(some.since(2)).toEqual([]);
});

test('a row that went is told until it is back', () => {
  const some = rows();
  some.update([row('a'), row('b')], 1);
  expect(some.update([row('b')], 2)).toBe(true);
  expect([some.removedSince(1), some.removedSince(2), ids(some.since(0))]).toEqual([
    ['a'],
    [],
    ['b'],
  ]);
  some.update([row('a'), row('b')], 3);
  expect([some.removedSince(0), ids(some.since(2))]).toEqual([[], ['a']]);
});

test('of ten thousand that went it is told which; before, that it is not known any more', () => {
  const some = rows();
  const many = Array.from({ length: 10_003 }, (_, n) => row(`row ${n}`));
  some.update(many, 1);
  some.update(many.slice(3), 2);
  some.update([], 3);
  expect([some.floor, some.removedSince(2).length]).toEqual([2, 10_000]);
});
