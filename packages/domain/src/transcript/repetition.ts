/** The longest passage, in words, that is looked for as a loop. */
const PERIOD_MAX = 20;
/** Said so often in a row it is a loop: three times is emphasis. */
const ROUNDS_MIN = 4;

/**
 * The share of the words, 0 to 1, that only say again what was just said: a model that has lost the thread writes one
 * phrase over and over. The first round of a loop is not counted.
 */
export function loopShare(tokens: readonly string[]): number {
  if (tokens.length === 0) return 0;
  const looped = new Uint8Array(tokens.length);
  for (let period = 1; period <= PERIOD_MAX; period += 1) markLoops(tokens, period, looped);
  return looped.reduce((sum, one) => sum + one, 0) / tokens.length;
}

/** Whether it is nothing but one phrase, so often in a row that it is a loop; the last round may be cut. */
export function isOneLoop(tokens: readonly string[]): boolean {
  for (let period = 1; period <= Math.min(PERIOD_MAX, tokens.length / ROUNDS_MIN); period += 1)
    if (tokens.every((token, i) => token === tokens[i % period])) return true;
  return false;
}

function markLoops(tokens: readonly string[], period: number, looped: Uint8Array): void {
  let matches = 0;
  for (let at = period; at <= tokens.length; at += 1) {
    if (at < tokens.length && tokens[at] === tokens[at - period]) {
      matches += 1;
      continue;
    }
    if (matches >= (ROUNDS_MIN - 1) * period) looped.fill(1, at - matches, at);
    matches = 0;
  }
}
