import type { QualityFiguresView, TranscriptQualityView } from '../views/quality-map.ts';
import { countWords, percentWords } from './words.ts';

/** Two decimals; `-` where there is none. */
export function qualityWords(ratio: number | null): string {
  return ratio === null ? '-' : ratio.toFixed(2);
}

/** One line on a feed's transcripts. */
export function figuresWords({ episodes, meanRatio, worstRatio }: QualityFiguresView): string {
  const counted = countWords(episodes, 'transcript');
  return `${qualityWords(meanRatio)} in the mean of ${counted}, ${qualityWords(worstRatio)} the worst`;
}

/** One line on what takes away most; empty where nothing does. */
export function weakestWords(quality: TranscriptQualityView): string {
  const { logProbability, loopRatio, wordsPerMinute, coveredRatio, foreignRatio } = quality;
  const share = (ratio: number | null) => `${percentWords(ratio ?? 0)}%`;
  switch (quality.weakest) {
    case 'logProbability':
      return `the model was not sure (mean log probability ${(logProbability ?? 0).toFixed(2)})`;
    case 'loopShare':
      return `${share(loopRatio)} of it is loops`;
    case 'wordsPerMinute':
      return `${Math.round(wordsPerMinute ?? 0)} words a minute`;
    case 'coveredShare':
      return `${share(coveredRatio)} of the speech has words`;
    case 'foreignShare':
      return `${share(foreignRatio)} of it is in another language`;
    default:
      return quality.weakest;
  }
}

/** What a transcript was judged by, as lines of `episode show`. */
export function qualityLines(quality: TranscriptQualityView): string[] {
  const { qualityRatio, secondPass, firstQualityRatio, secondQualityRatio } = quality;
  const words =
    qualityRatio === null
      ? ['nothing to judge: nobody speaks in it']
      : [qualityWords(qualityRatio), weakestWords(quality)].filter((word) => word !== '');
  const dropped = countWords(quality.droppedSegments, 'segment');
  const passes = `first ${qualityWords(firstQualityRatio)}, second ${qualityWords(secondQualityRatio)}`;
  const isJudged = secondPass === 'kept' || secondPass === 'not better';
  return [
    `Quality    ${words.join(', ')}`,
    ...(secondPass === ''
      ? []
      : [`           heard twice: ${secondPass}${isJudged ? ` (${passes})` : ''}`]),
    ...(quality.droppedSegments === 0
      ? []
      : [`           ${dropped} dropped that nobody said (${quality.droppedFor})`]),
  ];
}
