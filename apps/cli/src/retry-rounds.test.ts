import { expect, test } from 'vitest';
import type { RetryChoice } from './feed-calls.ts';
import { retryAll } from './retry-rounds.ts';

/** Takes `each` jobs a call; what was taken fails again at once. */
function coordinator(matched: number, each: number) {
  const asked: RetryChoice[] = [];
  const retryEpisodes = async (choice: RetryChoice) => {
    asked.push(choice);
    const requested = choice.validateOnly === true ? 0 : Math.min(each, matched);
    return { matched, requested, left: matched - requested, revision: 0n };
  };
  return { asked, retryEpisodes };
}

test('all of what there was is tried again, and what fails again meanwhile is not taken twice', async () => {
  const calls = coordinator(5, 2);
  const told: number[] = [];
  const retried = await retryAll(calls, { dead: true }, (count) => told.push(count));
  expect([retried, told]).toEqual([{ matched: 5, requested: 6 }, [5]]);
  expect(calls.asked).toHaveLength(4);
});

test('a coordinator that takes nothing is not asked for ever', async () => {
  const calls = coordinator(5, 0);
  expect(await retryAll(calls, { dead: true })).toEqual({ matched: 5, requested: 0 });
  expect(calls.asked).toHaveLength(2);
});

test('a rehearsal asks once and changes nothing', async () => {
  const calls = coordinator(5, 2);
  expect(await retryAll(calls, { dead: true, validateOnly: true })).toEqual({
    matched: 5,
    requested: 0,
  });
  expect(calls.asked).toHaveLength(1);
});
