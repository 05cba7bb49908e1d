import { expect, test } from 'vitest';
import { Counts } from './counts.ts';

test('counts each key by itself and all together, and forgets a key that is at 0', () => {
  const counts = new Counts();
  for (const key of ['a', 'a', 'b']) counts.add(key);
  expect([counts.of('a'), counts.of('b'), counts.of('c'), counts.total]).toEqual([2, 1, 0, 3]);
  counts.remove('a');
  counts.remove('b');
  expect([counts.of('a'), counts.of('b'), counts.total, counts.size]).toEqual([1, 0, 1, 1]);
});
