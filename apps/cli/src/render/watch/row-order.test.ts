import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type RowOrder, type RowRules, rowOrder } from './row-order.ts';

interface Row {
  readonly id: string;
  readonly size: number;
  readonly words: string;
}

function rules(descending: boolean): RowRules<Row> {
  return {
    id: ({ id }) => id,
    fits: ({ words }) => words !== 'hidden',
    key: ({ size }) => size,
    descending,
  };
}

/** All of it anew, by the book. */
function naive(rows: readonly Row[], descending: boolean): readonly Row[] {
  return rows
    .filter(({ words }) => words !== 'hidden')
    .sort(
      (a, b) =>
        (descending ? b.size - a.size : a.size - b.size) ||
        (a.id < b.id ? -1 : Number(a.id > b.id)),
    );
}

const row = fc.record({
  id: fc.constantFrom(...'abcdefghijklmnop'),
  size: fc.nat(4),
  words: fc.constantFrom('shown', 'seen', 'hidden'),
});
const rows = fc.uniqueArray(row, { selector: ({ id }) => id, maxLength: 16 });

/** Nearly always the same rows, some of which become others in their places, as in a map; now and then other rows. */
function changed(known: readonly Row[], next: readonly Row[], isOther: boolean): readonly Row[] {
  if (isOther) return next;
  const byId = new Map(next.map((one) => [one.id, one]));
  return known.map((one) => byId.get(one.id) ?? one);
}

test('whatever changes, comes or goes, the order is the one that sorting everything gives', () => {
  const isOther = fc.integer({ min: 0, max: 4 }).map((n) => n === 0);
  const steps = fc.array(fc.tuple(rows, isOther), { maxLength: 8 });
  fc.assert(
    fc.property(rows, steps, fc.boolean(), (first, list, descending) => {
      let picture: readonly Row[] = first;
      let kept: RowOrder<Row> | null = null;
      for (const [next, other] of [[first, true] as const, ...list]) {
        picture = changed(picture, next, other);
        const before: RowOrder<Row> | null = kept;
        const shown = before?.ids.slice();
        kept = rowOrder(picture, rules(descending), before);
        const wanted = naive(picture, descending);
        expect(kept.placed.map((entry) => entry.row)).toEqual(wanted);
        expect(kept.ids).toEqual(wanted.map(({ id }) => id));
        expect(kept.all.map((entry) => entry.row)).toEqual(picture);
        // The one before is what somebody may still look at.
        expect(before?.ids).toEqual(shown);
      }
    }),
    { numRuns: 300 },
  );
});

test('of ten thousand rows only those that changed are judged and placed anew', () => {
  const judged: string[] = [];
  const counted = { ...rules(false), key: (one: Row) => judged.push(one.id) && one.size };
  const all = Array.from({ length: 10_000 }, (_, i) => ({ id: `${i}`, size: i, words: 'shown' }));
  const before = rowOrder(all, counted, null);
  judged.length = 0;
  const moved = all.map((one, i) => (i === 7_000 ? { ...one, size: 0.5 } : one));
  const after = rowOrder(moved, counted, before);
  expect(judged).toEqual(['7000']);
  expect(after.ids.slice(0, 3)).toEqual(['0', '7000', '1']);
});
