/** Whether a sentence ends with this word, in the punctuation of the scripts that Whisper writes. */
export function endsSentence(word: string): boolean {
  return /[.!?…‥。．！？｡؟۔।॥։።၊။]["'”’»›)\]」』）】]*$/u.test(word);
}

/** Whether a part of a sentence does, or all of it. */
export function endsClause(word: string): boolean {
  return /[,;:،؛、，；：–—]["'”’»›)\]」』）】]*$/u.test(word) || endsSentence(word);
}
