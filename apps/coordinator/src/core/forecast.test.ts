import { expect, test } from 'vitest';
import { audioSecondsLeft, audioSecondsLeftOf, forecast } from './forecast.ts';
import { emptyTally, sumTallies, type Tally } from './tally.ts';

function tally(left: number, downloaded: number, audioSeconds: number): Tally {
  const made = { ...emptyTally(), audioSeconds };
  made.remaining.transcribe = left;
  made.done.download = downloaded;
  return made;
}

test('what is left counts as long as the mean of the known episodes', () => {
  expect(audioSecondsLeft(tally(10, 4, 400))).toBe(1_000);
  expect(audioSecondsLeft(tally(0, 0, 0))).toBe(0);
});

test('without a known length nothing is invented', () => {
  expect(audioSecondsLeft(tally(10, 0, 0))).toBeNull();
  const feeds = [tally(10, 0, 0)];
  expect(audioSecondsLeftOf(rows(feeds), sumTallies(feeds))).toBeNull();
});

test('in the total, a feed of unknown lengths counts by the mean of the fleet', () => {
  const feeds = [tally(10, 4, 400), tally(5, 0, 0)];
  expect(audioSecondsLeftOf(rows(feeds), sumTallies(feeds))).toBe(1_500);
});

test('the end is what is left over the speed, and unknown where one of them is', () => {
  expect(forecast(3_600, 30).etaSeconds).toBe(120);
  expect(forecast(null, 30).etaSeconds).toBeNull();
  expect(forecast(3_600, null).etaSeconds).toBeNull();
  expect(forecast(3_600, 0).etaSeconds).toBeNull();
});

function rows(feeds: readonly Tally[]) {
  return feeds.map((one) => ({ tally: one }));
}
