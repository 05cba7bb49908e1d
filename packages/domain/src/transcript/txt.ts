import { paragraphsOf } from './paragraph.ts';
import { joinWords } from './spoken-word.ts';
import type { Transcript } from './transcript.ts';

/** Readable text: paragraphs of one line each, an empty line between them. Empty for an empty transcript. */
export function renderTxt(transcript: Transcript): string {
  return paragraphsOf(transcript)
    .map((words) => `${joinWords(words)}\n`)
    .join('\n');
}
