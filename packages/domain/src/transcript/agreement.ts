import type { SampleWindow } from './sample-windows.ts';
import { spokenWords } from './spoken-word.ts';
import type { TranscriptSegment } from './transcript.ts';
import { numberWords } from './word-error-rate.ts';

/** So much earlier or later a publisher may have put a word. */
export const SHIFT_SECONDS = 3;
/** In a window: less is no sample of anything. */
export const WORDS_MIN = 10;
/** Of a window, for the time of comparing: three times what the fastest say in 30 s. */
const WORDS_MAX = 400;
const NUMBER_MAX = 999_999;

/** What was heard in a window beside what the publisher says is said there. */
export interface WindowAgreement extends SampleWindow {
  readonly heardWords: number;
  /** Within the window by the publisher's times. */
  readonly publishedWords: number;
  /**
   * 0 to 1: words that must be inserted, left out or replaced to get what was heard from the best-fitting run of the
   * publisher's words there, of all that were heard; 1 where one side says nothing. Null: hardly anything is said by either.
   */
  readonly errorRate: number | null;
}

/** @param heard with the times of the whole audio; what is outside of the window does not count. */
export function compareWindow(
  window: SampleWindow,
  heard: readonly TranscriptSegment[],
  published: readonly TranscriptSegment[],
): WindowAgreement {
  const said = tokensWithin(heard, window, 0);
  const written = tokensWithin(published, window, 0);
  const near = tokensWithin(published, window, SHIFT_SECONDS);
  const counts = { ...window, heardWords: said.length, publishedWords: written.length };
  if (Math.max(said.length, written.length) < WORDS_MIN) return { ...counts, errorRate: null };
  // What the publisher has twice over and nobody says is as wrong as what is said and not there.
  if (said.length < written.length / 2) return { ...counts, errorRate: 1 };
  return { ...counts, errorRate: Math.min(1, fittingErrors(said, near) / said.length) };
}

function tokensWithin(
  segments: readonly TranscriptSegment[],
  { fromSeconds, toSeconds }: SampleWindow,
  aroundSeconds: number,
): readonly string[] {
  const from = (fromSeconds - aroundSeconds) * 1_000;
  const to = (toSeconds + aroundSeconds) * 1_000;
  const near = segments.filter(
    (one) => 1_000 * one.endSeconds >= from && 1_000 * one.startSeconds <= to,
  );
  const words = spokenWords({ segments: near });
  const within = words.filter(
    ({ startMs, endMs }) => (startMs + endMs) / 2 >= from && (startMs + endMs) / 2 <= to,
  );
  return comparedTokens(within.map(({ text }) => text).join(' ')).slice(0, WORDS_MAX);
}

/**
 * Words as they are compared, in any script: lower case, without punctuation and accents, numerals as English words, sounds
 * in brackets left out. Of scripts that write no spaces each character is one.
 */
export function comparedTokens(text: string): readonly string[] {
  const plain = text
    .replace(/\[[^[\]]{0,80}\]|\([^()]{0,80}\)|♪/g, ' ')
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}+/gu, '')
    .replace(/[’']/g, '')
    .replace(/(\d),(\d{3})/g, '$1$2')
    .replace(/\d+/g, (digits) =>
      Number(digits) <= NUMBER_MAX ? ` ${numberWords(Number(digits))} ` : digits,
    );
  return plain.match(TOKEN) ?? [];
}

const TOKEN =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}])[\p{L}\p{N}])+/gu;

/** Words to insert, leave out or replace to find `pattern` in `text`; what stands before and behind it there is free (Sellers). */
function fittingErrors(pattern: readonly string[], text: readonly string[]): number {
  let row = text.map(() => 0);
  row.push(0);
  for (const [at, word] of pattern.entries()) {
    const next = [at + 1];
    for (const [j, other] of text.entries())
      next.push(
        Math.min(
          (row[j] ?? 0) + (word === other ? 0 : 1),
          (row[j + 1] ?? 0) + 1,
          (next[j] ?? 0) + 1,
        ),
      );
    row = next;
  }
  return Math.min(...row);
}
