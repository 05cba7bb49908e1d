import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newestRows } from './judged-transcripts.ts';

const feedOf = (revisions: readonly number[]) => ({
  episodes: new Map(revisions.map((revision, i) => [i, { revision }])),
});

test('the newest rows of all feeds are found whatever their order, and it is told whether there are more', () =>
  fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 1 }), { maxLength: 60 }),
      fc.nat(60),
      async (all, at) => {
        const found = await newestRows([feedOf(all.slice(0, at)), feedOf(all.slice(at))], 7);
        const newest = all.toSorted((a, b) => b - a).slice(0, 7);
        expect(found.rows.map(({ revision }) => revision)).toEqual(newest);
        expect(found.isCut).toBe(all.length > 7);
      },
    ),
  ));

test('others run while a large archive is looked through', async () => {
  const rising = Array.from({ length: 200_000 }, (_, i) => i + 1);
  const feeds = [feedOf(rising.slice(150_000)), feedOf(rising.slice(0, 150_000))];
  let turns = 0;
  const beat = setInterval(() => {
    turns += 1;
  }, 0);
  const found = await newestRows(feeds, 1_000);
  clearInterval(beat);
  expect([found.rows.length, found.rows[0]?.revision]).toEqual([1_000, 200_000]);
  expect(turns).toBeGreaterThan(5);
});
