import { newEpisode } from '@podctl/domain/episode-state.ts';
import type { ClusterId, Nonce } from '@podctl/domain/ids.ts';
import { invariant } from '@podctl/domain/result.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { done } from '../../../../test/support/stage-change.ts';
import { countQuality, noQualities, qualityFigures, qualityIn } from './quality-counts.ts';

const hundredths = fc.integer({ min: 0, max: 100 }).map((n) => n / 100);
/** A transcript that was made, and perhaps one before it that it took the place of. */
const moves = fc.array(fc.record({ before: fc.option(hundredths), after: hundredths }), {
  minLength: 1,
});

describe('the qualities of a feed', () => {
  test('come to what they would summed anew, whatever was made anew meanwhile', () => {
    fc.assert(
      fc.property(moves, hundredths, (changes, below) => {
        const counts = noQualities();
        const replaced = changes.flatMap(({ before }) => (before === null ? [] : [before]));
        for (const quality of replaced) countQuality(counts, quality, 1);
        for (const { after } of changes) countQuality(counts, after, 1);
        for (const quality of replaced) countQuality(counts, quality, -1);
        const now = changes.map(({ after }) => after);
        const figures = qualityFigures(counts, below);
        expect(figures?.mean).toBeCloseTo(now.reduce((sum, one) => sum + one, 0) / now.length);
        expect(figures).toMatchObject({
          episodes: now.length,
          worst: Math.min(...now),
          poor: now.filter((one) => one < below).length,
        });
      }),
      { numRuns: 200 },
    );
  });

  test('count no transcript that was purged with its feed', () => {
    const fresh = newEpisode('c' as ClusterId, 'n' as Nonce, 'poll');
    const judged = done('transcribe', null, 0.8)(fresh);
    const { transcribe } = judged.stages;
    invariant(transcribe.done !== null, 'it is done');
    const purged = { ...transcribe, done: { ...transcribe.done, purged: true as const } };
    expect(qualityIn(judged)).toBe(0.8);
    expect(qualityIn({ ...judged, stages: { ...judged.stages, transcribe: purged } })).toBeNull();
  });

  test('that are all taken away again are none', () => {
    const counts = noQualities();
    countQuality(counts, 0.57, 1);
    countQuality(counts, 0.57, -1);
    expect(qualityFigures(counts, 0.5)).toBeNull();
    expect(qualityFigures(noQualities(), 0.5)).toBeNull();
  });
});
