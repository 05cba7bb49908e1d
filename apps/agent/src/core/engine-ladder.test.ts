import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  afterSuccess,
  GOOD_JOBS_TO_CLIMB,
  type Ladder,
  ladderOf,
  type Rung,
  rungOf,
  rungWords,
  stepDown,
} from './engine-ladder.ts';

const wordsOf = (ladder: Ladder) => ladder.rungs.map(rungWords);

test('a ladder leads to smaller batches, then to int8, then elsewhere', () => {
  expect(wordsOf(ladderOf({ computeType: 'float16', batchSize: 16 }, 'cuda'))).toEqual([
    'float16 with batch 16',
    'float16 with batch 4',
    'float16 with batch 1',
    'int8_float16 with batch 4',
    'int8_float16 with batch 1',
  ]);
  expect(wordsOf(ladderOf({ computeType: 'float16', batchSize: 1 }, 'cuda'))).toEqual([
    'float16 with batch 1',
    'int8_float16 with batch 1',
  ]);
  expect(wordsOf(ladderOf({ computeType: 'auto', batchSize: 8 }, 'cpu'))).toEqual([
    'auto with batch 8',
    'auto with batch 2',
    'auto with batch 1',
  ]);
});

test('a model that does not load is not tried with a smaller batch of the same numbers', () => {
  const ladder = ladderOf({ computeType: 'float16', batchSize: 16 }, 'cuda');
  const next = stepDown(ladder, 'load');
  expect(next === null ? null : rungOf(next)).toEqual({
    computeType: 'int8_float16',
    batchSize: 4,
  });
  expect(next === null ? null : stepDown(next, 'load')).toBeNull();
});

test('after enough good jobs in a row the rung above is tried again, and no sooner', () => {
  const top = ladderOf({ computeType: 'float16', batchSize: 16 }, 'cuda');
  let ladder = stepDown(top, 'transcribe') ?? top;
  for (let job = 1; job < GOOD_JOBS_TO_CLIMB; job += 1) ladder = afterSuccess(ladder);
  expect(ladder.at).toBe(1);
  expect(afterSuccess(ladder).at).toBe(0);
  expect(afterSuccess(top)).toBe(top);
});

test('whatever fails and comes out well, a ladder ends, and steps only ever ask for less', () => {
  const steps = fc.array(fc.constantFrom('load', 'transcribe', 'good'), { maxLength: 60 });
  const first = fc.record({
    computeType: fc.constantFrom('float16', 'bfloat16', 'float32', 'int8', 'int8_float16', 'auto'),
    batchSize: fc.integer({ min: 1, max: 128 }),
  });
  fc.assert(
    fc.property(first, fc.constantFrom('cuda', 'cpu'), steps, (rung, device, all) => {
      let ladder: Ladder | null = ladderOf(rung, device);
      expect(ladder.rungs.length).toBeLessThanOrEqual(10);
      for (const step of all) {
        const before: Ladder = ladder;
        ladder = step === 'good' ? afterSuccess(before) : stepDown(before, step);
        if (ladder === null) return;
        if (step !== 'good') expect(asksForLess(rungOf(before), rungOf(ladder))).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});

function asksForLess(above: Rung, below: Rung): boolean {
  const isInt8 = below.computeType.startsWith('int8') && !above.computeType.startsWith('int8');
  return isInt8 || below.batchSize < above.batchSize;
}
