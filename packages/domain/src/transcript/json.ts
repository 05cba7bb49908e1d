import { confidenceOf } from './confidence.ts';
import type {
  Transcript,
  TranscriptPart,
  TranscriptSegment,
  TranscriptWord,
} from './transcript.ts';

/** Raised when a reader of an older file would misread a newer one; new fields alone do not raise it. */
export const TRANSCRIPT_JSON_VERSION = 1;

/**
 * The transcript as one line of JSON, UTF-8: the form that keeps everything, from which the others can be made again.
 *
 *     {"format": "podctl-transcript", "version": 1,
 *      "language": "en", "languageProbability": 0.98 | null, "durationSeconds": 34.5,
 *      "provenance": {"engine", "engineVersion", "model", "modelRevision", "computeType", "device",
 *                     "parameters": {…}, "audioSha256", "agent", "startedAtMs", "finishedAtMs",
 *                     "parts"?: [{"agent", "device", "computeType", "fromSeconds", "toSeconds"}]},
 *      "segments": [{"startSeconds", "endSeconds", "text", "avgLogprob" | null, "noSpeechProbability" | null,
 *                    "words": [{"startSeconds", "endSeconds", "text", "probability" | null}], "confidence" | null}]}
 *
 * Keys stand in this order, so that equal transcripts are equal bytes. Seconds have three decimals at most,
 * probabilities four; what is not a finite number is null. Joining the `text` of a segment's words gives its text.
 * A segment's `confidence` is 0 to 1 (confidence.ts); older files have none.
 */
export function renderJson(transcript: Transcript): string {
  const { language, languageProbability, durationSeconds, provenance, segments } = transcript;
  const document = {
    format: 'podctl-transcript',
    version: TRANSCRIPT_JSON_VERSION,
    language,
    languageProbability: rounded(languageProbability, 4),
    durationSeconds: rounded(durationSeconds, 3),
    provenance: {
      engine: provenance.engine,
      engineVersion: provenance.engineVersion,
      model: provenance.model,
      modelRevision: provenance.modelRevision,
      computeType: provenance.computeType,
      device: provenance.device,
      parameters: Object.fromEntries(Object.entries(provenance.parameters).sort(byKey)),
      audioSha256: provenance.audioSha256,
      agent: provenance.agent,
      startedAtMs: provenance.startedAtMs,
      finishedAtMs: provenance.finishedAtMs,
      ...(provenance.parts === undefined ? {} : { parts: provenance.parts.map(partJson) }),
    },
    segments: segments.map(segmentJson),
  };
  return `${JSON.stringify(document)}\n`;
}

function partJson({ agent, device, computeType, fromSeconds, toSeconds }: TranscriptPart) {
  const times = { fromSeconds: rounded(fromSeconds, 3), toSeconds: rounded(toSeconds, 3) };
  return { agent, device, computeType, ...times };
}

function segmentJson(segment: TranscriptSegment) {
  return {
    startSeconds: rounded(segment.startSeconds, 3),
    endSeconds: rounded(segment.endSeconds, 3),
    text: segment.text,
    avgLogprob: rounded(segment.avgLogprob, 4),
    noSpeechProbability: rounded(segment.noSpeechProbability, 4),
    words: segment.words.map(wordJson),
    confidence: rounded(confidenceOf(segment), 4),
  };
}

function wordJson(word: TranscriptWord) {
  return {
    startSeconds: rounded(word.startSeconds, 3),
    endSeconds: rounded(word.endSeconds, 3),
    text: word.text,
    probability: rounded(word.probability, 4),
  };
}

function rounded(n: number | null, decimals: number): number | null {
  if (n === null || !Number.isFinite(n)) return null;
  return Number(n.toFixed(decimals));
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : Number(a > b);
}
