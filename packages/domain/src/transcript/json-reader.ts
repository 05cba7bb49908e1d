import { err, ok, type Result } from '../result.ts';
import { TRANSCRIPT_JSON_VERSION } from './json.ts';
import type { Provenance, Transcript, TranscriptSegment, TranscriptWord } from './transcript.ts';

/** What a search needs of a transcript's JSON (json.ts has its form). */
export interface SpokenTranscript {
  readonly segments: readonly TranscriptSegment[];
  /** When it was made; null when it does not say. */
  readonly finishedAtMs: number | null;
}

/** Takes what fits and passes over what does not: a part that is not as it should be must not hide the rest. */
export function readTranscriptJson(text: string): Result<SpokenTranscript, string> {
  const read = documentOf(text);
  if (!read.ok) return read;
  const { segments, provenance } = read.value;
  const { finishedAtMs } = objectOr(provenance);
  return ok({ segments: segments.map(segmentOf), finishedAtMs: numberOrNull(finishedAtMs) });
}

/** All that the file keeps, to make the other forms of it: what it does not say is empty, null or 0. */
export function readWholeTranscript(text: string): Result<Transcript, string> {
  const read = documentOf(text);
  if (!read.ok) return read;
  const { language, languageProbability, durationSeconds, provenance, segments } = read.value;
  return ok({
    language: textOr(language),
    languageProbability: numberOrNull(languageProbability),
    durationSeconds: numberOrNull(durationSeconds) ?? 0,
    segments: segments.map(segmentOf),
    provenance: provenanceOf(objectOr(provenance)),
  });
}

type Fields = Readonly<Record<string, unknown>>;

function documentOf(
  text: string,
): Result<Fields & { readonly segments: readonly Fields[] }, string> {
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
  const { segments } = document;
  if (!Array.isArray(segments)) return err('it has no list of segments');
  return ok({ ...document, segments: segments.filter(isObject) });
}

function provenanceOf(fields: Fields): Provenance {
  const { parameters, startedAtMs, finishedAtMs } = fields;
  const plain = Object.entries(objectOr(parameters)).filter(isPlain);
  return {
    engine: textOr(fields.engine),
    engineVersion: textOr(fields.engineVersion),
    model: textOr(fields.model),
    modelRevision: textOr(fields.modelRevision),
    computeType: textOr(fields.computeType),
    device: textOr(fields.device),
    parameters: Object.fromEntries(plain),
    audioSha256: textOr(fields.audioSha256),
    agent: textOr(fields.agent),
    startedAtMs: numberOrNull(startedAtMs) ?? 0,
    finishedAtMs: numberOrNull(finishedAtMs) ?? 0,
  };
}

function isPlain(entry: [string, unknown]): entry is [string, string | number | boolean | null] {
  const [, value] = entry;
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

function segmentOf(segment: Fields): TranscriptSegment {
  const words = Array.isArray(segment.words) ? segment.words.filter(isObject) : [];
  return {
    ...timedText(segment),
    avgLogprob: numberOrNull(segment.avgLogprob),
    noSpeechProbability: numberOrNull(segment.noSpeechProbability),
    words: words.map(wordOf),
  };
}

function wordOf(word: Fields): TranscriptWord {
  return { ...timedText(word), probability: numberOrNull(word.probability) };
}

function timedText({ startSeconds, endSeconds, text }: Fields) {
  return {
    startSeconds: numberOrNull(startSeconds) ?? Number.NaN,
    endSeconds: numberOrNull(endSeconds) ?? Number.NaN,
    text: textOr(text),
  };
}

function textOr(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function objectOr(value: unknown): Fields {
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
