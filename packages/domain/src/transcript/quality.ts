import { loopShare } from './repetition.ts';
import { spokenTokens, wordCount } from './spoken-token.ts';
import type { TranscriptSegment } from './transcript.ts';
import { isWrittenIn } from './written-language.ts';

/** What a transcript is judged by. Without what the engine made up (hallucination.ts). */
export interface JudgedTranscript {
  readonly segments: readonly TranscriptSegment[];
  /** What voice activity detection took for speech; null where the engine does not say. */
  readonly speechSeconds: number | null;
  /** ISO 639: given, or found out; null where there was none to tell. */
  readonly language: string | null;
}

/** Null: it cannot be measured here, and counts for nothing. docs/quality.md tells each. */
export interface QualityMeasures {
  /** The mean log probability of the text, 0 at best, weighted by its length. */
  readonly logProbability: number | null;
  /** The share of the words that belong to loops, 0 to 1. */
  readonly loopShare: number | null;
  /** Words in a minute of speech. */
  readonly wordsPerMinute: number | null;
  /** The share of the speech that has words, 0 to 1. */
  readonly coveredShare: number | null;
  /** The share of the text that is in another language than the transcript, 0 to 1. */
  readonly foreignShare: number | null;
}

export type QualityMeasure = keyof QualityMeasures;
/** Of two that take away as much the earlier one is told: what has no words has no pace either. */
export const QUALITY_MEASURES: readonly QualityMeasure[] = [
  'logProbability',
  'loopShare',
  'coveredShare',
  'wordsPerMinute',
  'foreignShare',
];

export interface Quality {
  /** 0 to 1, in hundredths: the product of the factors. */
  readonly figure: number;
  readonly measures: QualityMeasures;
  /** What each takes away: 1 nothing, 0 all. */
  readonly factors: { readonly [M in QualityMeasure]: number };
}

/** Less speech than this says nothing of a pace, nor that a transcript without words is a bad one. */
const SPEECH_SECONDS_MIN = 5;
/** So much around a word is covered by it: the pauses of speech. */
const WORD_MARGIN_SECONDS = 0.75;

/** How far a transcript is to be trusted; null: there is nothing to judge, since nobody spoke and nothing was written. */
export function qualityOf(transcript: JudgedTranscript): Quality | null {
  const { segments, speechSeconds } = transcript;
  const hasWords = segments.some(({ text }) => spokenTokens(text).length > 0);
  if (!hasWords && (speechSeconds ?? 0) < SPEECH_SECONDS_MIN) return null;
  return judged(measuresOf(transcript));
}

/** The figure of what was measured. Each measure that gets worse, the others being equal, never raises it. */
export function judged(measures: QualityMeasures): Quality {
  const factors = {
    logProbability: factor(measures.logProbability, confidence),
    loopShare: factor(measures.loopShare, (share) => falling(share, 0.03, 0.5)),
    wordsPerMinute: factor(measures.wordsPerMinute, pace),
    coveredShare: factor(measures.coveredShare, (share) => rising(share, 0, 0.75)),
    foreignShare: factor(measures.foreignShare, (share) => falling(share, 0.1, 0.7)),
  };
  const product = QUALITY_MEASURES.reduce((whole, name) => whole * factors[name], 1);
  return { figure: Math.round(product * 100) / 100, measures, factors };
}

function measuresOf({ segments, speechSeconds, language }: JudgedTranscript): QualityMeasures {
  const tokens = segments.flatMap(({ text }) => spokenTokens(text));
  const isEnough = speechSeconds !== null && speechSeconds >= SPEECH_SECONDS_MIN;
  return {
    logProbability: meanLogprob(segments),
    loopShare: tokens.length === 0 ? null : loopShare(tokens),
    wordsPerMinute: isEnough ? wordCount(tokens) / (speechSeconds / 60) : null,
    coveredShare: isEnough ? Math.min(1, coveredSeconds(segments) / speechSeconds) : null,
    foreignShare: language === null ? null : foreignShare(segments, language),
  };
}

/** Whisper takes −1 for failed; what is heard well lies above −0.4. */
function confidence(logProbability: number): number {
  return rising(logProbability, -1.3, -0.4);
}

/** People speak at 100 to 200 words a minute, and at 280 at the fastest. */
function pace(wordsPerMinute: number): number {
  return Math.min(rising(wordsPerMinute, 0, 40), falling(wordsPerMinute, 280, 560));
}

function factor(measure: number | null, of: (measure: number) => number): number {
  return measure === null || Number.isNaN(measure) ? 1 : of(measure);
}

/** 0 up to `from`, 1 from `to` on, straight between them. */
function rising(value: number, from: number, to: number): number {
  return Math.min(1, Math.max(0, (value - from) / (to - from)));
}

function falling(value: number, from: number, to: number): number {
  return 1 - rising(value, from, to);
}

function meanLogprob(segments: readonly TranscriptSegment[]): number | null {
  let [sum, length] = [0, 0];
  for (const { avgLogprob, text } of segments) {
    if (avgLogprob === null || !Number.isFinite(avgLogprob)) continue;
    sum += avgLogprob * text.length;
    length += text.length;
  }
  return length === 0 ? null : sum / length;
}

/** Seconds that are at a word, or in a segment without times of words. Each second counts once. */
function coveredSeconds(segments: readonly TranscriptSegment[]): number {
  const spans = segments
    .flatMap(({ words, ...segment }) =>
      words.length === 0
        ? [segment]
        : words.map(({ startSeconds, endSeconds }) => ({
            startSeconds: startSeconds - WORD_MARGIN_SECONDS,
            endSeconds: endSeconds + WORD_MARGIN_SECONDS,
          })),
    )
    .sort((a, b) => a.startSeconds - b.startSeconds);
  let [covered, reached] = [0, 0];
  for (const { startSeconds, endSeconds } of spans) {
    covered += Math.max(0, endSeconds - Math.max(reached, startSeconds));
    reached = Math.max(reached, endSeconds);
  }
  return covered;
}

/** Null where not one segment tells. */
function foreignShare(segments: readonly TranscriptSegment[], language: string): number | null {
  let [foreign, told] = [0, 0];
  for (const { text } of segments) {
    const isOwn = isWrittenIn(text, language);
    if (isOwn === null) continue;
    told += text.length;
    if (!isOwn) foreign += text.length;
  }
  return told === 0 ? null : foreign / told;
}
