import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judged, QUALITY_MEASURES, type QualityMeasures, qualityOf } from './quality.ts';

const share = fc.option(fc.double({ min: 0, max: 1, noNaN: true }));
const measures: fc.Arbitrary<QualityMeasures> = fc.record({
  logProbability: fc.option(fc.double({ min: -5, max: 0, noNaN: true })),
  loopShare: share,
  wordsPerMinute: fc.option(fc.double({ min: 0, max: 1_000, noNaN: true })),
  coveredShare: share,
  foreignShare: share,
});

test('a quality is 0 to 1 in hundredths, and so is each factor from 0 to 1', () => {
  fc.assert(
    fc.property(measures, (some) => {
      const { figure, factors } = judged(some);
      for (const one of [figure, ...Object.values(factors)]) {
        expect(one).toBeGreaterThanOrEqual(0);
        expect(one).toBeLessThanOrEqual(1);
      }
      expect(figure).toBe(Math.round(figure * 100) / 100);
    }),
  );
});

/** Less of these is worse, more of those; a pace is worse the further it is from how people speak. */
const WORSE: { readonly [M in keyof QualityMeasures]: (value: number, by: number) => number } = {
  logProbability: (value, by) => value - by,
  coveredShare: (value, by) => value * (1 - by),
  loopShare: (value, by) => value + (1 - value) * by,
  foreignShare: (value, by) => value + (1 - value) * by,
  wordsPerMinute: (value, by) => (value > 150 ? value * (1 + by) : value * (1 - by)),
};

test('a measure that gets worse, the others being equal, never raises the quality', () => {
  const by = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(measures, fc.constantFrom(...QUALITY_MEASURES), by, (before, name, by) => {
      const value = before[name];
      fc.pre(value !== null);
      const after = { ...before, [name]: WORSE[name](value, by) };
      expect(judged(after).figure).toBeLessThanOrEqual(judged(before).figure);
    }),
  );
});

test('whatever an engine says, there is a quality, or nothing to judge', () => {
  const number = fc.oneof(fc.double(), fc.constant(Number.NaN));
  const word = fc.record({
    startSeconds: number,
    endSeconds: number,
    text: fc.string({ unit: 'grapheme' }),
    probability: number,
  });
  const segment = fc.record({
    startSeconds: number,
    endSeconds: number,
    text: fc.string({ unit: 'grapheme' }),
    avgLogprob: fc.option(number),
    noSpeechProbability: fc.option(number),
    words: fc.array(word, { maxLength: 5 }),
  });
  const speechSeconds = fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }));
  const language = fc.option(fc.constantFrom('en', 'ru', 'ja', 'xx'));
  fc.assert(
    fc.property(
      fc.record({ segments: fc.array(segment, { maxLength: 5 }), speechSeconds, language }),
      (transcript) => {
        const quality = qualityOf(transcript);
        if (quality === null) return;
        expect(quality.figure).toBeGreaterThanOrEqual(0);
        expect(quality.figure).toBeLessThanOrEqual(1);
      },
    ),
    { numRuns: 200 },
  );
});
