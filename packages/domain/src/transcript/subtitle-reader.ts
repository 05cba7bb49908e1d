import type { TranscriptSegment } from './transcript.ts';

const TIMES =
  /^(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})\s*-->\s*(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})/;
/** A cue a second, for a day and a night. */
const CUES_MAX = 100_000;

/**
 * The cues of a SubRip or WebVTT text as segments, in its order. Markup, notes, styles and settings are left out; what is
 * no cue is passed over. Empty when there is none.
 */
export function readSubtitles(text: string): TranscriptSegment[] {
  const segments: TranscriptSegment[] = [];
  const blocks = text
    .replace(/^\uFEFF/, '')
    .replace(/\r\n?/g, '\n')
    .split(/\n{2,}/);
  for (const block of blocks) {
    if (segments.length >= CUES_MAX) break;
    const lines = block.split('\n');
    const at = lines.findIndex((line) => TIMES.test(line.trim()));
    const times = at < 0 ? null : TIMES.exec(lines[at]?.trim() ?? '');
    if (times === null) continue;
    const spoken = lines
      .slice(at + 1)
      .map(plain)
      .filter((line) => line !== '')
      .join(' ');
    if (spoken === '') continue;
    segments.push({
      startSeconds: secondsOf(times.slice(1, 5)),
      endSeconds: secondsOf(times.slice(5, 9)),
      text: spoken,
      avgLogprob: null,
      noSpeechProbability: null,
      words: [],
    });
  }
  return segments;
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  nbsp: ' ',
  lrm: '',
  rlm: '',
};

function plain(line: string): string {
  return line
    .replace(/<[^<>]{0,200}>/g, '')
    .replace(/\{\\[^{}]{0,200}\}/g, '')
    .replace(/&(amp|lt|gt|nbsp|lrm|rlm);/g, (_, name: string) => ENTITIES[name] ?? '')
    .trim();
}

function secondsOf([hours, minutes, seconds, fraction = '0']: readonly (
  | string
  | undefined
)[]): number {
  const whole = Number(hours ?? 0) * 3_600 + Number(minutes) * 60 + Number(seconds);
  return whole + Number(`0.${fraction}`);
}
