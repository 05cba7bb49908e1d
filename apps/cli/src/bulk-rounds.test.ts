import { expect, test } from 'vitest';
import { inRounds } from './bulk-rounds.ts';

/** Has so many, and takes `each` of them a call. */
function coordinator(there: number, each: number, comes = 0) {
  let left = there;
  return async () => {
    const matched = left;
    left -= Math.min(each, left);
    const answer = { matched, left };
    left += comes;
    return answer;
  };
}

test('all of what there was is taken, however many a call takes', async () => {
  expect(await inRounds(5, coordinator(5, 2))).toHaveLength(3);
  expect(await inRounds(5, coordinator(5, 5))).toHaveLength(1);
});

test('what comes meanwhile is not asked for, and a coordinator that takes nothing is not asked for ever', async () => {
  expect(await inRounds(5, coordinator(5, 2, 2))).toHaveLength(3);
  expect(await inRounds(5, coordinator(5, 0))).toHaveLength(1);
});
