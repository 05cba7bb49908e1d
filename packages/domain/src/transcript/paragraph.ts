import { endsSentence } from './sentence-end.ts';
import { type SpokenWord, spokenWords } from './spoken-word.ts';
import type { Transcript } from './transcript.ts';

/** A silence that begins a new paragraph. */
const PAUSE_MS = 2000;
/** A paragraph of so many characters ends with its sentence, */
const LENGTH = 800;
/** and of so many in any case: some models write no full stops. */
const LENGTH_MAX = 1600;

/** The words of each paragraph. */
export function paragraphsOf(transcript: Pick<Transcript, 'segments'>): SpokenWord[][] {
  const paragraphs: SpokenWord[][] = [];
  let current: SpokenWord[] = [];
  let length = 0;
  for (const word of spokenWords(transcript)) {
    if (isOver(current.at(-1), word, length)) {
      paragraphs.push(current);
      current = [];
      length = 0;
    }
    current.push(word);
    length += word.text.length + 1;
  }
  if (current.length > 0) paragraphs.push(current);
  return paragraphs;
}

function isOver(last: SpokenWord | undefined, next: SpokenWord, length: number): boolean {
  if (last === undefined) return false;
  if (next.startMs - last.endMs >= PAUSE_MS) return true;
  if (length >= LENGTH_MAX && next.isSpaced) return true;
  return length >= LENGTH && endsSentence(last.text);
}
