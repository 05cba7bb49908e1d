import type { TimedForm } from './publisher-form.ts';
import { readSubtitles } from './subtitle-reader.ts';
import type { TranscriptSegment } from './transcript.ts';

/** Of a file, so that reading it holds up nothing: many times what a day of speech has. */
export const PUBLISHER_BYTES_MAX = 8 * 1024 * 1024;
const SEGMENTS_MAX = 100_000;
/** No word is said for so long: a longer cue has no times worth the name. */
const CUE_SECONDS_MAX = 60;
/** More than anybody says in that time. */
const CUE_LENGTH_MAX = 2_000;
/** Hosts write a segment for each word: so much of them is one of ours. */
const JOINED_SECONDS_MAX = 8;
const JOINED_LENGTH_MAX = 160;
const JOINED_PAUSE_SECONDS = 1.5;

/**
 * The text of a publisher's transcript with its times, in their order: SubRip, WebVTT, or the podcast namespace's JSON
 * (`{"segments": [{"startTime", "endTime", "body", "speaker"}]}`). Markup is left out; what is no cue, runs backwards or
 * lies behind the end of the audio is passed over. Empty when nothing is left. Speakers are not kept.
 *
 * @param audioSeconds of the audio that it is of.
 */
export function readPublisherTranscript(
  form: TimedForm,
  text: string,
  audioSeconds: number,
): readonly TranscriptSegment[] {
  if (text.length > PUBLISHER_BYTES_MAX) return [];
  const read = form === 'json' ? readPodcastJson(text) : readSubtitles(text);
  const good = read
    .filter((segment) => segment.text.length <= CUE_LENGTH_MAX)
    .map((segment) => ({ ...segment, text: plainText(segment.text) }))
    .filter((segment) => isGood(segment, audioSeconds))
    .map((segment) => ({ ...segment, endSeconds: Math.min(segment.endSeconds, audioSeconds) }))
    .sort((a, b) => a.startSeconds - b.startSeconds);
  return joined(good);
}

export interface Coverage {
  /** Of the audio, 0 to 1: what lies within 10 s of a cue counts, since music and breath have no words. */
  readonly share: number;
  /** The longest part of the audio that has no text. */
  readonly gapSecondsMax: number;
}

/** How much of the audio has text. */
export function coverageOf(segments: readonly TranscriptSegment[], audioSeconds: number): Coverage {
  if (!(audioSeconds > 0)) return { share: 0, gapSecondsMax: 0 };
  let coveredSeconds = 0;
  let toSeconds = 0;
  let gapSecondsMax = 0;
  for (const { startSeconds, endSeconds } of segments) {
    const from = Math.max(toSeconds, startSeconds - NEAR_SECONDS);
    const to = Math.min(audioSeconds, endSeconds + NEAR_SECONDS);
    gapSecondsMax = Math.max(gapSecondsMax, from - toSeconds);
    coveredSeconds += Math.max(0, to - from);
    toSeconds = Math.max(toSeconds, to);
  }
  gapSecondsMax = Math.max(gapSecondsMax, audioSeconds - toSeconds);
  return { share: Math.min(1, coveredSeconds / audioSeconds), gapSecondsMax };
}

const NEAR_SECONDS = 10;

function readPodcastJson(text: string): TranscriptSegment[] {
  const raw = parsed(text);
  const list = isObject(raw) && Array.isArray(raw.segments) ? raw.segments : [];
  const segments = list.slice(0, SEGMENTS_MAX).filter(isObject);
  return segments.map((segment, at) => {
    const startSeconds = secondsIn(segment.startTime);
    const ended = secondsIn(segment.endTime);
    // The end may be left out: it is where the next one begins.
    const next = secondsIn(segments[at + 1]?.startTime);
    const endSeconds = Number.isNaN(ended) ? (Number.isNaN(next) ? startSeconds + 1 : next) : ended;
    const body = typeof segment.body === 'string' ? segment.body : '';
    return { startSeconds, endSeconds, text: body, ...NO_FIGURES };
  });
}

const NO_FIGURES = { avgLogprob: null, noSpeechProbability: null, words: [] } as const;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return null;
  }
}

function secondsIn(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^\d{1,7}(?:\.\d{1,9})?$/.test(value.trim())
    ? Number(value)
    : Number.NaN;
}

function isGood({ startSeconds, endSeconds, text }: TranscriptSegment, audioSeconds: number) {
  const seconds = endSeconds - startSeconds;
  const isTime = startSeconds >= 0 && seconds > 0 && seconds <= CUE_SECONDS_MAX;
  return isTime && startSeconds < audioSeconds && text !== '';
}

function plainText(text: string): string {
  return text
    .replace(/<[^<>]{0,200}>/g, '')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
}

/** Small segments that follow each other become one, up to the end of a sentence. */
function joined(segments: readonly TranscriptSegment[]): readonly TranscriptSegment[] {
  const whole: TranscriptSegment[] = [];
  for (const segment of segments) {
    const last = whole.at(-1);
    if (last !== undefined && isOneWith(last, segment))
      whole[whole.length - 1] = {
        ...last,
        endSeconds: Math.max(last.endSeconds, segment.endSeconds),
        text: `${last.text} ${segment.text}`,
      };
    else whole.push(segment);
  }
  return whole;
}

/** Only what is a word or two is joined: a publisher's own lines stay as they are. */
function isOneWith(last: TranscriptSegment, next: TranscriptSegment): boolean {
  const isWord = next.text.split(' ').length <= 2;
  const isPause = next.startSeconds - last.endSeconds > JOINED_PAUSE_SECONDS;
  const isLong =
    next.endSeconds - last.startSeconds > JOINED_SECONDS_MAX ||
    last.text.length + next.text.length > JOINED_LENGTH_MAX;
  return isWord && !isPause && !isLong && !/[.!?…]["'”’)]?$/.test(last.text);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
