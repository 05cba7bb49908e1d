import type { Transcript, TranscriptSegment } from './transcript.ts';

/** A word ready to be laid out: text without outer space, times in whole milliseconds that never run backwards. */
export interface SpokenWord {
  readonly text: string;
  /** Whether a space stands before it when it is not the first of its line. */
  readonly isSpaced: boolean;
  readonly startMs: number;
  readonly endMs: number;
}

interface TimedText {
  readonly text: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/**
 * Every word of the transcript once, in order. Segments without words get them from their text, with times in proportion
 * to the characters. Engines give times that run backwards or are not numbers: each is moved up to the one before it.
 */
export function spokenWords(transcript: Pick<Transcript, 'segments'>): SpokenWord[] {
  const words: SpokenWord[] = [];
  let clockMs = 0;
  for (const segment of transcript.segments) {
    const spoken = segment.words.length > 0 ? segment.words : wordsOfText(segment);
    for (const [i, word] of spoken.entries()) {
      const text = printable(word.text);
      if (text === '') continue;
      const startMs = Math.max(clockMs, milliseconds(word.startSeconds));
      const endMs = Math.max(startMs, milliseconds(word.endSeconds));
      // A segment's first word stands apart from the segment before, whether the engine wrote a space or not.
      const isSpaced = /^\s/.test(word.text) || i === 0;
      words.push({ text, isSpaced, startMs, endMs });
      clockMs = startMs;
    }
  }
  return words;
}

/** The words as running text. */
export function joinWords(words: readonly SpokenWord[]): string {
  return words.map((word, i) => (i > 0 && word.isSpaced ? ` ${word.text}` : word.text)).join('');
}

function wordsOfText(segment: TranscriptSegment): TimedText[] {
  const texts = segment.text.split(/\s+/).filter((text) => text !== '');
  const lengthTotal = texts.reduce((sum, text) => sum + text.length, 0);
  const seconds = segment.endSeconds - segment.startSeconds;
  let before = 0;
  return texts.map((text) => {
    const startSeconds = segment.startSeconds + (seconds * before) / lengthTotal;
    before += text.length;
    const endSeconds = segment.startSeconds + (seconds * before) / lengthTotal;
    return { text: ` ${text}`, startSeconds, endSeconds };
  });
}

/** Control characters and line breaks would end a cue early. */
function printable(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

function milliseconds(seconds: number): number {
  return Number.isFinite(seconds) ? Math.max(0, Math.round(seconds * 1000)) : 0;
}
