import { err, ok, type Result } from '../result.ts';
import { TRANSCRIPT_JSON_VERSION } from './json.ts';
import type { TranscriptSegment, TranscriptWord } from './transcript.ts';

/** What a search and a score need of a transcript's JSON (json.ts has its form). */
export interface SpokenTranscript {
  readonly segments: readonly TranscriptSegment[];
  /** When it was made; null when it does not say. */
  readonly finishedAtMs: number | null;
  /** Empty when it does not say. */
  readonly language: string;
  /** Null when it does not say. */
  readonly durationSeconds: number | null;
}

/** Takes what fits and passes over what does not: a part that is not as it should be must not hide the rest. */
export function readTranscriptJson(text: string): Result<SpokenTranscript, string> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return err('it is no JSON');
  }
  if (!isObject(document) || document.format !== 'podctl-transcript')
    return err('it is no transcript of podctl');
  if (document.version !== TRANSCRIPT_JSON_VERSION)
    return err(`its version is not ${TRANSCRIPT_JSON_VERSION}: a newer podctl made it`);
  const { segments, provenance, language, durationSeconds } = document;
  if (!Array.isArray(segments)) return err('it has no list of segments');
  const finishedAtMs = isObject(provenance) ? provenance.finishedAtMs : null;
  return ok({
    segments: segments.filter(isObject).map(segmentOf),
    finishedAtMs: typeof finishedAtMs === 'number' ? finishedAtMs : null,
    language: typeof language === 'string' ? language : '',
    durationSeconds: typeof durationSeconds === 'number' ? durationSeconds : null,
  });
}

function segmentOf(segment: Readonly<Record<string, unknown>>): TranscriptSegment {
  const words = Array.isArray(segment.words) ? segment.words.filter(isObject) : [];
  return {
    ...timedText(segment),
    avgLogprob: null,
    noSpeechProbability: null,
    words: words.map(wordOf),
  };
}

function wordOf(word: Readonly<Record<string, unknown>>): TranscriptWord {
  return { ...timedText(word), probability: 0 };
}

function timedText({ startSeconds, endSeconds, text }: Readonly<Record<string, unknown>>) {
  const number = (value: unknown) => (typeof value === 'number' ? value : Number.NaN);
  return {
    startSeconds: number(startSeconds),
    endSeconds: number(endSeconds),
    text: typeof text === 'string' ? text : '',
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
