import { expect, test } from 'vitest';
import type { TranscriptQualityView } from '../views/quality-map.ts';
import { qualityLines, qualityWords, weakestWords } from './quality-words.ts';

const fine: TranscriptQualityView = {
  ...{ qualityRatio: 0.97, logProbability: -0.3, loopRatio: 0.02, wordsPerMinute: 151.4 },
  ...{ coveredRatio: 0.615, foreignRatio: 0.8, weakest: '', secondPass: '' },
  ...{ firstQualityRatio: null, secondQualityRatio: null },
  ...{ droppedSegments: 0, droppedSeconds: 0, droppedFor: '' },
  ...{ model: 'tiny.en', agentId: 'gpu-1', language: 'en', finishedAt: null },
};

test('a transcript that is well has its figure, and no more', () => {
  expect(qualityLines(fine)).toEqual(['Quality    0.97']);
  expect(qualityWords(null)).toBe('-');
});

test('one of silence says that there is nothing to judge', () => {
  const silent = { ...fine, qualityRatio: null, droppedSegments: 2, droppedFor: 'no_speech' };
  expect(qualityLines(silent)).toEqual([
    'Quality    nothing to judge: nobody speaks in it',
    '           2 segments dropped that nobody said (no_speech)',
  ]);
});

test('one that was heard twice tells both figures, or why there is only one', () => {
  const twice = { ...fine, qualityRatio: 0.7, firstQualityRatio: 0.2, secondQualityRatio: 0.7 };
  expect(qualityLines({ ...twice, secondPass: 'kept' })[1]).toBe(
    '           heard twice: kept (first 0.20, second 0.70)',
  );
  const failed = { ...fine, secondPass: 'failed: engine_died' };
  expect(qualityLines(failed)[1]).toBe('           heard twice: failed: engine_died');
});

test.each([
  ['logProbability', 'the model was not sure (mean log probability -0.30)'],
  ['loopShare', '2% of it is loops'],
  ['wordsPerMinute', '151 words a minute'],
  ['coveredShare', '61% of the speech has words'],
  ['foreignShare', '80% of it is in another language'],
  ['somethingNewer', 'somethingNewer'],
])('%s as the weakest is said in words', (weakest, words) => {
  expect(weakestWords({ ...fine, weakest })).toBe(words);
});
