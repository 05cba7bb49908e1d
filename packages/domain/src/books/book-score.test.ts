import { describe, expect, test } from 'vitest';
import { addBooks, emptyBookTally, episodeScore, feedBookScore } from './book-score.ts';

const scored = (figure: number | undefined, audioSeconds: number | null = 3_600) => ({
  ...{ sha256: '', files: 1, bytes: 1, audioSeconds },
  ...(figure === undefined ? {} : { figure }),
});

function feed(weights: readonly (number | undefined)[], audioSeconds = 3_600) {
  const tally = emptyBookTally();
  for (const weight of weights) addBooks(tally, scored(weight, audioSeconds), 1);
  return tally;
}

describe('an episode', () => {
  test.each([
    [0, 1],
    [2, 4],
    [6, 7],
    [14, 10],
    [500, 10],
  ])('of %d recommendations an hour has %d', (weight, score) => {
    expect(episodeScore(weight, 3_600)).toBeCloseTo(score, 5);
  });

  test('of a minute with one recommendation is no book show: it counts as ten', () => {
    expect(episodeScore(1, 60)).toBe(episodeScore(1, 600));
  });
});

describe('a feed', () => {
  test('has 3 until something is known', () => {
    const unknown = { score: 3, source: 'default', fromTranscripts: null };
    expect(feedBookScore(emptyBookTally(), null)).toMatchObject(unknown);
    // An unread language is no evidence of anything.
    expect(feedBookScore(feed([undefined, undefined]), null)).toMatchObject(unknown);
    // Half an episode's worth is too little.
    expect(feedBookScore(feed([9], 600), null)).toMatchObject(unknown);
  });

  test('has what its user says, whatever the transcripts do, and both are told', () => {
    const score = feedBookScore(feed(Array(20).fill(20)), 2);
    expect(score).toMatchObject({ score: 2, source: 'user', episodes: 20, mentionsPerHour: 20 });
    expect(score.fromTranscripts).toBeCloseTo(9.1, 5);
  });

  test('moves from 3 only as far as its episodes are many', () => {
    const of = (count: number, weight: number) =>
      feedBookScore(feed(Array(count).fill(weight)), null).score;
    expect([1, 3, 10, 50].map((count) => of(count, 20))).toEqual([5, 7, 8, 10]);
    expect([1, 3, 10, 50].map((count) => of(count, 0))).toEqual([3, 2, 1, 1]);
  });

  test('is not made a book show by one special', () => {
    expect(feedBookScore(feed([...Array(19).fill(0), 200]), null).score).toBeLessThanOrEqual(2);
  });

  test('loses exactly what is taken away again', () => {
    const tally = feed([1.37, 0.4, 9.99]);
    for (const weight of [0.4, 9.99, 1.37]) addBooks(tally, scored(weight), -1);
    expect(tally).toEqual(emptyBookTally());
  });
});
