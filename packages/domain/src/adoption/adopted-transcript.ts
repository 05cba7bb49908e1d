import { renderJson } from '../transcript/json.ts';
import { renderSrt } from '../transcript/srt.ts';
import { readSubtitles } from '../transcript/subtitle-reader.ts';
import type { Transcript, TranscriptSegment } from '../transcript/transcript.ts';
import { renderTxt } from '../transcript/txt.ts';
import { renderVtt } from '../transcript/vtt.ts';
import { readWhisperJson } from '../transcript/whisper-json.ts';
import { ADOPTER } from './adopter.ts';

/** The texts of a transcript that somebody made elsewhere; null where there is none of the kind. */
export interface FoundTexts {
  readonly txt: string | null;
  readonly srt: string | null;
  readonly vtt: string | null;
  readonly json: string | null;
}

export interface AboutTranscript {
  readonly language: string | null;
  readonly audioSeconds: number;
  readonly audioSha256: string;
  /** When the newest of its files was written. */
  readonly madeAtMs: number;
}

export interface AdoptedTranscript {
  /** Name and text of each file. */
  readonly files: readonly (readonly [name: string, text: string])[];
  readonly segments: number;
  readonly language: string;
  /** False when the times are worked out from the places in the text. */
  readonly timed: boolean;
}

/**
 * The files of a transcript taken in: what is there as it is, and the other forms made from the best of it. A text alone
 * has no times: it gets no subtitles, and in its JSON the words are spread over the length of the audio, which
 * `provenance.parameters.timed` says. Null when no words are in any of them.
 */
export function adoptedTranscript(
  texts: FoundTexts,
  about: AboutTranscript,
): AdoptedTranscript | null {
  const timed = timedSegments(texts);
  const spread = timed.length > 0 ? timed : spreadText(texts.txt ?? '', about.audioSeconds);
  if (spread.length === 0) return null;
  const isTimed = timed.length > 0;
  const transcript = transcriptOf(spread, isTimed, about);
  const subtitles: readonly (readonly [string, string])[] = [
    ['transcript.srt', texts.srt ?? renderSrt(transcript)],
    ['transcript.vtt', texts.vtt ?? renderVtt(transcript)],
  ];
  const files = [
    ['transcript.txt', hasWords(texts.txt) ? texts.txt : renderTxt(transcript)],
    ...(isTimed ? subtitles : []),
    ['transcript.json', renderJson(transcript)],
  ] as const;
  return { files, segments: spread.length, language: transcript.language, timed: isTimed };
}

function timedSegments({ srt, vtt, json }: FoundTexts): readonly TranscriptSegment[] {
  const readings = [
    json === null ? [] : readWhisperJson(json),
    srt === null ? [] : readSubtitles(srt),
    vtt === null ? [] : readSubtitles(vtt),
  ];
  return readings.find((segments) => segments.length > 0) ?? [];
}

function spreadText(text: string, audioSeconds: number): readonly TranscriptSegment[] {
  if (!hasWords(text)) return [];
  const of = { avgLogprob: null, noSpeechProbability: null, words: [] };
  return [{ startSeconds: 0, endSeconds: audioSeconds, text: text.trim(), ...of }];
}

function hasWords(text: string | null): text is string {
  return text !== null && /[\p{L}\p{N}]/u.test(text);
}

function transcriptOf(
  segments: readonly TranscriptSegment[],
  timed: boolean,
  { language, audioSeconds, audioSha256, madeAtMs }: AboutTranscript,
): Transcript {
  return {
    language: language ?? 'und',
    languageProbability: null,
    durationSeconds: audioSeconds,
    segments,
    provenance: {
      ...{ engine: ADOPTER, engineVersion: '', model: 'unknown', modelRevision: '' },
      ...{ computeType: '', device: '', parameters: { timed }, audioSha256, agent: ADOPTER },
      ...{ startedAtMs: madeAtMs, finishedAtMs: madeAtMs },
    },
  };
}
