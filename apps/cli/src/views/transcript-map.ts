import { TranscriptFormat } from '@podctl/proto/podctl/v1/transcript.ts';

const formats = {
  txt: TranscriptFormat.TXT,
  srt: TranscriptFormat.SRT,
  vtt: TranscriptFormat.VTT,
  json: TranscriptFormat.JSON,
} as const;

export type FormatWord = keyof typeof formats | 'md';

/** Markdown is plain text below a heading that the command writes. */
export function transcriptFormat(word: FormatWord): TranscriptFormat {
  return word === 'md' ? formats.txt : formats[word];
}
