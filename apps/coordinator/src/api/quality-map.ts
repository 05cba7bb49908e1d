import {
  judged,
  QUALITY_MEASURES,
  type QualityMeasure,
} from '@podctl/domain/transcript/quality.ts';
import type { QualityFigures, TranscriptQuality } from '@podctl/proto/podctl/v1/quality.ts';
import { type QualityCounts, qualityFigures } from '../core/quality-counts.ts';
import type { JudgedTranscript } from './judged-transcripts.ts';
import { dateOf } from './time-map.ts';

/** What is below is poor, unless another is asked for. */
export const POOR_BELOW = 0.5;

/** Undefined where no transcript has a quality. */
export function figuresMessage(
  counts: QualityCounts,
  below = POOR_BELOW,
): QualityFigures | undefined {
  const figures = qualityFigures(counts, below);
  if (figures === null) return undefined;
  const { episodes, mean, worst, poor } = figures;
  return { episodes, meanRatio: mean, worstRatio: worst, poor };
}

export function qualityMessage(transcript: JudgedTranscript): TranscriptQuality {
  const { details, quality, agent, finishedAtMs } = transcript;
  const number = (key: string) => {
    const value = details[key];
    return typeof value === 'number' ? value : undefined;
  };
  const text = (key: string) => {
    const value = details[key];
    return typeof value === 'string' ? value : '';
  };
  const measure = (name: QualityMeasure) => number(`quality.${name}`);
  return {
    qualityRatio: quality ?? undefined,
    logProbability: measure('logProbability'),
    loopRatio: measure('loopShare'),
    wordsPerMinute: measure('wordsPerMinute'),
    coveredRatio: measure('coveredShare'),
    foreignRatio: measure('foreignShare'),
    weakest: weakest(measure),
    secondPass: text('secondPass'),
    firstQualityRatio: number('qualityFirst'),
    secondQualityRatio: number('qualitySecond'),
    droppedSegments: Math.max(0, Math.round(number('droppedSegments') ?? 0)),
    droppedSeconds: number('droppedSeconds') ?? 0,
    droppedFor: text('droppedFor'),
    model: text('model'),
    agentId: agent,
    language: text('language'),
    finishedAt: dateOf(finishedAtMs),
  };
}

/** The measure with the least factor; empty where each is 1. */
function weakest(measure: (name: QualityMeasure) => number | undefined): string {
  const { factors } = judged({
    logProbability: measure('logProbability') ?? null,
    loopShare: measure('loopShare') ?? null,
    wordsPerMinute: measure('wordsPerMinute') ?? null,
    coveredShare: measure('coveredShare') ?? null,
    foreignShare: measure('foreignShare') ?? null,
  });
  const [least] = [...QUALITY_MEASURES].sort((a, b) => factors[a] - factors[b]);
  return least === undefined || factors[least] === 1 ? '' : least;
}
