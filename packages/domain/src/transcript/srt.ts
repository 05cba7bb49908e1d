import { cuesOf } from './cue.ts';
import { timeCode } from './time-code.ts';
import type { Transcript } from './transcript.ts';

/** SubRip, UTF-8, line feeds. An empty transcript is an empty file, which every reader takes. */
export function renderSrt(transcript: Transcript): string {
  return cuesOf(transcript)
    .map(({ startMs, endMs, lines }, i) => {
      const times = `${timeCode(startMs, ',')} --> ${timeCode(endMs, ',')}`;
      // SubRip knows no escapes: an arrow in the text would be read as times.
      const text = lines.map((line) => line.replaceAll('-->', '->')).join('\n');
      return `${i + 1}\n${times}\n${text}\n`;
    })
    .join('\n');
}
