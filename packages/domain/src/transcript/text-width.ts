/**
 * The room that a text takes in a line, in Latin letters. Streaming services allow 42 Latin letters in a line and 16 signs of
 * Chinese or Korean: so one of these counts as 42 / 16. What stands on or between letters takes none.
 */
export const WIDE_COLUMNS = 42 / 16;

const nothing = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const wide =
  /^(?:[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Bopomofo}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation})$/u;

export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) {
    if (character < '\u0300') columns += 1;
    else if (wide.test(character)) columns += WIDE_COLUMNS;
    else if (!nothing.test(character)) columns += 1;
  }
  return columns;
}

/** Whether words of its script are written without spaces between them. */
export function isUnspaced(text: string): boolean {
  return /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u.test(
    text,
  );
}
