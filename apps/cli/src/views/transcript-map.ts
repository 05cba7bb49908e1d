import { TranscriptFormat } from '@podctl/proto/podctl/v1/transcript.ts';

const formats = {
  txt: TranscriptFormat.TXT,
  srt: TranscriptFormat.SRT,
  vtt: TranscriptFormat.VTT,
  json: TranscriptFormat.JSON,
} as const;

export function transcriptFormat(word: keyof typeof formats): TranscriptFormat {
  return formats[word];
}
