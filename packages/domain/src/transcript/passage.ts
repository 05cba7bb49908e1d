import { endsSentence } from './sentence-end.ts';
import { joinWords, type SpokenWord, spokenWords } from './spoken-word.ts';
import type { TranscriptSegment } from './transcript.ts';

/** Half a minute to a minute of speech: long enough to hold what is said together, short enough that a hit has a time. */
export interface Passage {
  readonly startMs: number;
  readonly text: string;
  /** When words are spoken: places in `text` (UTF-16 units) with their times, in order; the first is 0. */
  readonly marks: readonly PassageMark[];
}

export interface PassageMark {
  readonly at: number;
  readonly ms: number;
}

export interface PassageLimits {
  /** From here on it ends with a sentence or a pause. */
  readonly msMin: number;
  readonly msMax: number;
  /** Whatever the times say: engines give hours to one word. */
  readonly wordsMax: number;
  readonly pauseMs: number;
  readonly markEveryMs: number;
}

export const PASSAGE_LIMITS: PassageLimits = {
  msMin: 30_000,
  msMax: 60_000,
  wordsMax: 400,
  pauseMs: 1_500,
  markEveryMs: 4_000,
};

/** Every word of the transcript in one passage, in order. */
export function passagesOf(
  segments: readonly TranscriptSegment[],
  limits: PassageLimits = PASSAGE_LIMITS,
): Passage[] {
  const passages: Passage[] = [];
  let current: SpokenWord[] = [];
  for (const word of spokenWords({ segments })) {
    if (isOver(current, word, limits)) {
      passages.push(passageOf(current, limits));
      current = [];
    }
    current.push(word);
  }
  if (current.length > 0) passages.push(passageOf(current, limits));
  return passages;
}

function isOver(words: readonly SpokenWord[], next: SpokenWord, limits: PassageLimits): boolean {
  const first = words[0];
  const last = words.at(-1);
  if (first === undefined || last === undefined) return false;
  if (words.length >= limits.wordsMax || next.endMs - first.startMs > limits.msMax) return true;
  if (last.endMs - first.startMs < limits.msMin) return false;
  return endsSentence(last.text) || next.startMs - last.endMs >= limits.pauseMs;
}

function passageOf(words: readonly SpokenWord[], { markEveryMs }: PassageLimits): Passage {
  const marks: PassageMark[] = [];
  let at = 0;
  for (const [i, { text, isSpaced, startMs }] of words.entries()) {
    if (i > 0 && isSpaced) at += 1;
    const last = marks.at(-1);
    if (last === undefined || startMs - last.ms >= markEveryMs) marks.push({ at, ms: startMs });
    at += text.length;
  }
  return { startMs: words[0]?.startMs ?? 0, text: joinWords(words), marks };
}

/** When the word at a place of a passage's text is spoken: a little early rather than late. */
export function timeAt({ startMs, marks }: Pick<Passage, 'startMs' | 'marks'>, at: number): number {
  return marks.findLast((mark) => mark.at <= at)?.ms ?? startMs;
}
