import { joinWords, type SpokenWord, spokenWords } from './spoken-word.ts';
import type { Transcript } from './transcript.ts';

/** What is on the screen at one time. */
export interface Cue {
  readonly startMs: number;
  /** After `startMs`, and never after the next cue's. */
  readonly endMs: number;
  /** One or two, in the order read. */
  readonly lines: readonly string[];
}

export interface CueLimits {
  readonly lineLengthMax: number;
  /** A cue that ends sooner stays until then if nothing follows. */
  readonly cueMsMin: number;
  readonly cueMsMax: number;
  /** A silence that ends a cue. */
  readonly pauseMs: number;
}

/** What the style guides of broadcasters agree on: two lines of 42 characters, one to seven seconds. */
export const CUE_LIMITS: CueLimits = {
  lineLengthMax: 42,
  cueMsMin: 1000,
  cueMsMax: 7000,
  pauseMs: 1500,
};

/** Cues in order, not overlapping, with every word once. A word longer than a line stands alone in one. */
export function cuesOf(transcript: Transcript, limits: CueLimits = CUE_LIMITS): Cue[] {
  const groups = grouped(spokenWords(transcript), limits);
  const cues: Cue[] = [];
  let previousEndMs = 0;
  for (const [i, words] of groups.entries()) {
    const startMs = Math.max(previousEndMs, words[0]?.startMs ?? 0);
    const spokenEndMs = words.at(-1)?.endMs ?? 0;
    const nextStartMs = groups[i + 1]?.[0]?.startMs ?? Number.POSITIVE_INFINITY;
    const wishedEndMs = Math.max(
      startMs + limits.cueMsMin,
      Math.min(spokenEndMs, startMs + limits.cueMsMax),
    );
    const endMs = Math.max(startMs + 1, Math.min(wishedEndMs, nextStartMs));
    cues.push({
      startMs,
      endMs,
      lines: linesOf(words, limits.lineLengthMax) ?? [joinWords(words)],
    });
    previousEndMs = endMs;
  }
  return cues;
}

function grouped(words: readonly SpokenWord[], limits: CueLimits): SpokenWord[][] {
  const groups: SpokenWord[][] = [];
  let current: SpokenWord[] = [];
  for (const word of words) {
    if (current.length > 0 && isCueOver(current, word, limits)) {
      groups.push(current);
      current = [];
    }
    current.push(word);
  }
  return current.length > 0 ? [...groups, current] : groups;
}

function isCueOver(current: readonly SpokenWord[], next: SpokenWord, limits: CueLimits): boolean {
  const startMs = current[0]?.startMs ?? 0;
  const last = current.at(-1);
  const endMs = last?.endMs ?? 0;
  if (next.startMs - endMs >= limits.pauseMs) return true;
  if (next.endMs - startMs > limits.cueMsMax) return true;
  // A sentence ends its cue, unless the cue would be gone before it is read.
  if (endsSentence(last?.text ?? '') && next.isSpaced && endMs - startMs >= limits.cueMsMin) {
    return true;
  }
  return linesOf([...current, next], limits.lineLengthMax) === null;
}

/** One line, else two as equal as can be; null when the words fill more. */
function linesOf(words: readonly SpokenWord[], lengthMax: number): string[] | null {
  const whole = joinWords(words);
  if (lengthOf(whole) <= lengthMax) return [whole];
  let best: { lines: string[]; longest: number } | null = null;
  for (let at = 1; at < words.length; at++) {
    const lines = [joinWords(words.slice(0, at)), joinWords(words.slice(at))];
    const longest = Math.max(...lines.map(lengthOf));
    if (longest <= lengthMax && (best === null || longest < best.longest))
      best = { lines, longest };
  }
  return best?.lines ?? null;
}

export function endsSentence(word: string): boolean {
  return /[.!?…。！？]["'”’»)\]]*$/u.test(word);
}

/** Characters as people count them, nearly: code points. */
function lengthOf(text: string): number {
  return [...text].length;
}
