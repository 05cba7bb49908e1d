import { cuesOf } from './cue.ts';
import { timeCode } from './time-code.ts';
import type { Transcript } from './transcript.ts';

/** SubRip, UTF-8, line feeds. An empty transcript is an empty file, which every reader takes. */
export function renderSrt(transcript: Transcript): string {
  return cuesOf(transcript)
    .map(({ startMs, endMs, lines }, i) => {
      const times = `${timeCode(startMs, ',')} --> ${timeCode(endMs, ',')}`;
      const text = lines.map(unmistakable).join('\n');
      return `${i + 1}\n${times}\n${text}\n`;
    })
    .join('\n');
}

/** Invisible, and takes no room. */
const WORD_JOINER = '\u2060';

/**
 * SubRip knows no escapes: players read an arrow as times, braces as a style, `<b>` as a tag and `\N` as a new line. With a
 * word joiner in it what is like a tag is shown as it was said; for braces and arrows others stand that are nearly like them.
 */
function unmistakable(line: string): string {
  return line
    .replaceAll('-->', '->')
    .replaceAll('{', '(')
    .replaceAll('}', ')')
    .replace(/<(?=[a-z/!])|\\(?=[nh])/gi, `$&${WORD_JOINER}`);
}
