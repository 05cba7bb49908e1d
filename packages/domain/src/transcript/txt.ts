import { endsSentence } from './sentence-end.ts';
import { joinWords, type SpokenWord, spokenWords } from './spoken-word.ts';
import type { Transcript } from './transcript.ts';

/** A silence that begins a new paragraph. */
const PAUSE_MS = 2000;
/** A paragraph of so many characters ends with its sentence. */
const PARAGRAPH_LENGTH = 800;

/** Readable text: paragraphs of one line each, an empty line between them. Empty for an empty transcript. */
export function renderTxt(transcript: Transcript): string {
  const paragraphs: SpokenWord[][] = [];
  let current: SpokenWord[] = [];
  let length = 0;
  for (const word of spokenWords(transcript)) {
    if (isParagraphOver(current.at(-1), word, length)) {
      paragraphs.push(current);
      current = [];
      length = 0;
    }
    current.push(word);
    length += word.text.length + 1;
  }
  if (current.length > 0) paragraphs.push(current);
  return paragraphs.map((words) => `${joinWords(words)}\n`).join('\n');
}

function isParagraphOver(last: SpokenWord | undefined, next: SpokenWord, length: number): boolean {
  if (last === undefined) return false;
  if (next.startMs - last.endMs >= PAUSE_MS) return true;
  return length >= PARAGRAPH_LENGTH && endsSentence(last.text);
}
