import type { SpokenWord } from './spoken-word.ts';
import { columnsOf, isUnspaced } from './text-width.ts';

/** What stays together in a line: a word with what is written to it, or of a script without spaces a word of its dictionary. */
export interface CueUnit extends SpokenWord {
  readonly columns: number;
}

/** Marks and closing punctuation: no line begins with them. */
const notFirst = /^[\p{Pe}\p{Pf}\p{Po}\p{M}ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々]/u;
/** No line ends with an opening bracket. */
const notLast = /[\p{Ps}\p{Pi}]$/u;

const dictionary = new Intl.Segmenter('en', { granularity: 'word' });
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * The words' text, all of it and in order. Engines give words of Chinese, Japanese or Thai as single signs or as a whole
 * sentence: both become words again. Only what no line could hold is cut elsewhere, else no word is.
 *
 * @param pauseMs a silence that separates even what is written together.
 */
export function cueUnits(
  words: readonly SpokenWord[],
  columnsMax: number,
  pauseMs: number,
): CueUnit[] {
  return runsOf(words, pauseMs).flatMap((run) => unitsOf(run, columnsMax));
}

/** Words that are written without a space between them. */
function runsOf(words: readonly SpokenWord[], pauseMs: number): SpokenWord[][] {
  const runs: SpokenWord[][] = [];
  for (const word of words) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    const isApart = last === undefined || word.isSpaced || word.startMs - last.endMs >= pauseMs;
    if (run === undefined || isApart) runs.push([word]);
    else run.push(word);
  }
  return runs;
}

function unitsOf(run: readonly SpokenWord[], columnsMax: number): CueUnit[] {
  const text = run.map((word) => word.text).join('');
  const isSpaced = run[0]?.isSpaced ?? true;
  if (isUnspaced(text)) return dictionaryUnits(run, text, columnsMax);
  const columns = columnsOf(text);
  if (columns > columnsMax) return run.map((word) => ({ ...word, columns: columnsOf(word.text) }));
  const startMs = run[0]?.startMs ?? 0;
  return [{ text, isSpaced, startMs, endMs: Math.max(...run.map(({ endMs }) => endMs)), columns }];
}

function dictionaryUnits(run: readonly SpokenWord[], text: string, columnsMax: number): CueUnit[] {
  const timeAt = clockOf(run);
  const units: CueUnit[] = [];
  let at = 0;
  let isSpaced = run[0]?.isSpaced ?? true;
  for (const piece of piecesOf(text, columnsMax)) {
    const startMs = timeAt(at);
    at += piece.length;
    const shown = piece.trim();
    if (shown !== '')
      units.push({
        text: shown,
        isSpaced: isSpaced || /^\s/.test(piece),
        startMs,
        endMs: timeAt(at),
        columns: columnsOf(shown),
      });
    isSpaced = /\s$/.test(piece);
  }
  return units;
}

function piecesOf(text: string, columnsMax: number): string[] {
  const pieces: string[] = [];
  for (const { segment } of dictionary.segment(text)) {
    const last = pieces.at(-1);
    const isBound = last !== undefined && (notFirst.test(segment) || notLast.test(last));
    if (isBound && columnsOf(last + segment) <= columnsMax) pieces[pieces.length - 1] += segment;
    else pieces.push(...cut(segment, columnsMax));
  }
  return pieces;
}

/** A line's length at most, each but for a sign that alone is longer. */
function cut(text: string, columnsMax: number): string[] {
  if (columnsOf(text) <= columnsMax) return [text];
  const pieces: string[] = [''];
  for (const { segment } of graphemes.segment(text)) {
    const longer = (pieces.at(-1) ?? '') + segment;
    if (columnsOf(longer) <= columnsMax) pieces[pieces.length - 1] = longer;
    else pieces.push(segment);
  }
  return pieces.filter((piece) => piece !== '');
}

/** When the sign at a place of the run's text is spoken: within a word in proportion. Ask in the order of places. */
function clockOf(run: readonly SpokenWord[]): (at: number) => number {
  let i = 0;
  let before = 0;
  return (at) => {
    let word = run[i];
    while (word !== undefined && at > before + word.text.length) {
      before += word.text.length;
      i += 1;
      word = run[i];
    }
    if (word === undefined) return run.at(-1)?.endMs ?? 0;
    const share = word.text.length === 0 ? 0 : (at - before) / word.text.length;
    return Math.round(word.startMs + (word.endMs - word.startMs) * share);
  };
}
