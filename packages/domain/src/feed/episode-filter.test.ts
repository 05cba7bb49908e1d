import { expect, test } from 'vitest';
import { type EpisodeFilter, isNoFilter, NO_FILTER, passes } from './episode-filter.ts';

const FACTS = {
  title: 'Part 1',
  publishedMs: 1_000,
  durationSecondsEstimate: 600,
  season: 2,
  episodeType: 'full' as const,
};
const isIn = (some: Partial<EpisodeFilter>, facts: Partial<Parameters<typeof passes>[2]> = {}) => {
  const looksFor = (text: string | null | undefined) =>
    text == null ? null : (title: string) => title.includes(text);
  const patterns = { match: looksFor(some.titleMatch), skip: looksFor(some.titleSkip) };
  return passes({ ...NO_FILTER, ...some }, patterns, { ...FACTS, ...facts });
};

test.each([
  [{}, true],
  [{ titleMatch: 'Part' }, true],
  [{ titleMatch: 'Bonus' }, false],
  [{ titleSkip: 'Part' }, false],
  [{ titleMatch: 'Part', titleSkip: 'Bonus' }, true],
  [{ sinceMs: 1_000 }, true],
  [{ sinceMs: 1_001 }, false],
  [{ minDurationSeconds: 600, maxDurationSeconds: 600 }, true],
  [{ minDurationSeconds: 601 }, false],
  [{ maxDurationSeconds: 599 }, false],
  [{ seasons: [1, 2] }, true],
  [{ seasons: [1] }, false],
  [{ episodeTypes: ['full', 'bonus'] }, true],
  [{ episodeTypes: ['trailer'] }, false],
] as const)('%j lets it through: %s', (some, through) => {
  expect(isIn(some)).toBe(through);
});

test('what a feed does not tell passes, but for the season', () => {
  expect(isIn({ sinceMs: 5_000 }, { publishedMs: null })).toBe(true);
  expect(isIn({ minDurationSeconds: 5_000 }, { durationSecondsEstimate: null })).toBe(true);
  expect(isIn({ seasons: [2] }, { season: null })).toBe(false);
});

test('patterns look at the beginning of a long title', () => {
  expect(isIn({ titleMatch: 'end' }, { title: `${'x'.repeat(500)}end` })).toBe(false);
  expect(isIn({ titleMatch: 'end' }, { title: `${'x'.repeat(497)}end` })).toBe(true);
});

test('a filter that lets everything through is none', () => {
  expect(isNoFilter({ ...NO_FILTER })).toBe(true);
  expect(isNoFilter({ ...NO_FILTER, episodesMax: 1 })).toBe(false);
});
