/** Scripts that are written without spaces: each of their characters is counted by itself. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const TOKEN =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}])[\p{L}\p{N}\p{M}'’])+/gu;
/** What one such character says, in words: Chinese is read at about 250 of them a minute, Japanese at 350. */
const UNSPACED_WORDS = 0.5;

/** The words of a text in lower case, without punctuation; of scripts without spaces, its characters. */
export function spokenTokens(text: string): string[] {
  return text.toLowerCase().match(TOKEN) ?? [];
}

/** How many words that is, also where none are written apart. */
export function wordCount(tokens: readonly string[]): number {
  return tokens.reduce((sum, token) => sum + (UNSPACED.test(token) ? UNSPACED_WORDS : 1), 0);
}
