import { cuesOf } from './cue.ts';
import { timeCode } from './time-code.ts';
import type { Transcript } from './transcript.ts';

/** WebVTT. An empty transcript is the header alone, which is a valid file. */
export function renderVtt(transcript: Transcript): string {
  const cues = cuesOf(transcript).map(({ startMs, endMs, lines }) => {
    const times = `${timeCode(startMs, '.')} --> ${timeCode(endMs, '.')}`;
    return `${times}\n${lines.map(escaped).join('\n')}\n`;
  });
  return ['WEBVTT\n', ...cues].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
