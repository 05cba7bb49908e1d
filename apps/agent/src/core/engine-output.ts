import { readSubtitles } from '@podctl/domain/transcript/subtitle-reader.ts';
import { type HeardText, readEngineJson } from './engine-json.ts';
import { languageCode } from './language-code.ts';
import type { RawSegment, RawTranscript } from './raw-transcript.ts';

/** The forms in which other engines write what they heard, the one that tells most first. */
export const OUTPUT_FORMS = ['json', 'vtt', 'srt', 'txt'] as const;
export type OutputForm = (typeof OUTPUT_FORMS)[number];

/** As whisper.cpp and openai-whisper print to a terminal. */
const PRINTED =
  /^\[(?:(\d{1,3}):)?(\d{1,2}):(\d{2}\.\d{1,3}) --> (?:(\d{1,3}):)?(\d{1,2}):(\d{2}\.\d{1,3})\]\s*(.*)$/;
/** whisper.cpp's words for silence. */
const SILENCE = /^\[\s*BLANK[ _]AUDIO\s*\]$/i;

/** What stands in a file of that form; null when it is none. */
export function readEngineOutput(form: OutputForm, text: string): HeardText | null {
  switch (form) {
    case 'json':
      return readEngineJson(text);
    case 'vtt':
    case 'srt':
      return /\S/.test(text) && !/-->|^\uFEFF?WEBVTT/.test(text) ? null : textOnly(subtitles(text));
    case 'txt':
      return printedText(text) ?? plainText(text);
  }
}

/** What a program printed, in whatever form that is. */
export function readPrinted(text: string): HeardText | null {
  const start = text.trimStart();
  if (start.startsWith('{')) return readEngineJson(text);
  const printed = printedText(text);
  if (printed !== null) return printed;
  return /^(?:\uFEFF?WEBVTT|\d+\s*\n\s*[\d:]+,\d+ -->)/.test(start)
    ? textOnly(subtitles(text))
    : plainText(text);
}

/**
 * As every engine gives it: in order, within the audio, and without what stands for silence.
 *
 * @param durationSeconds null: not known, and then the end of what was said.
 */
export function rawTranscript(
  heard: HeardText,
  durationSeconds: number | null,
  elapsedMs: number,
): RawTranscript {
  const said = heard.segments.filter(
    ({ text }) => text.trim() !== '' && !SILENCE.test(text.trim()),
  );
  const known = heard.durationSeconds ?? durationSeconds;
  const endSeconds = known ?? Math.max(0, ...said.map(({ end }) => end).filter(Number.isFinite));
  const segments: RawSegment[] = [];
  for (const segment of said) {
    const least = segments.at(-1)?.start ?? 0;
    // What has no times lasts from what was before it to the end.
    const start = within(segment.start, least, endSeconds, least);
    const end = within(segment.end, start, endSeconds, endSeconds);
    segments.push({ ...segment, start, end, text: segment.text.trim() });
  }
  return {
    segments,
    language: segments.length === 0 ? null : languageCode(heard.language),
    languageProbability: heard.languageProbability,
    durationSeconds: endSeconds,
    speechSeconds: spokenSeconds(segments),
    elapsedMs: Math.round(elapsedMs),
  };
}

function spokenSeconds(segments: readonly RawSegment[]): number {
  let seconds = 0;
  let until = 0;
  for (const { start, end } of segments) {
    seconds += Math.max(0, end - Math.max(start, until));
    until = Math.max(until, end);
  }
  return seconds;
}

function within(seconds: number, least: number, most: number, otherwise: number): number {
  return Number.isFinite(seconds) ? Math.max(least, Math.min(seconds, most)) : otherwise;
}

function subtitles(text: string): RawSegment[] {
  return readSubtitles(text).map(({ startSeconds, endSeconds, text }) =>
    bare(startSeconds, endSeconds, text),
  );
}

function printedText(text: string): HeardText | null {
  const segments = text.split(/\r?\n/).flatMap((line) => {
    const found = PRINTED.exec(line.trim());
    if (found === null) return [];
    const [, h1, m1, s1, h2, m2, s2, said = ''] = found;
    const seconds = (h: string | undefined, m: string | undefined, s: string | undefined) =>
      Number(h ?? 0) * 3_600 + Number(m) * 60 + Number(s);
    return [bare(seconds(h1, m1, s1), seconds(h2, m2, s2), said)];
  });
  return segments.length === 0 ? null : textOnly(segments);
}

function plainText(text: string): HeardText {
  const said = text.replace(/\s+/g, ' ').trim();
  return textOnly([bare(Number.NaN, Number.NaN, said)]);
}

function textOnly(segments: readonly RawSegment[]): HeardText {
  return { segments, language: null, languageProbability: null, durationSeconds: null };
}

function bare(start: number, end: number, text: string): RawSegment {
  return { start, end, text, avgLogprob: null, noSpeechProb: null, words: [] };
}
