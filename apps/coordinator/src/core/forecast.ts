import type { Tally } from './tally.ts';

/** How much is left, how fast it goes, and when that ends; null is what cannot be told. */
export interface Forecast {
  readonly audioSecondsLeft: number | null;
  readonly speedRatio: number | null;
  readonly etaSeconds: number | null;
}

export function forecast(audioSecondsLeft: number | null, speedRatio: number | null): Forecast {
  const isKnown = audioSecondsLeft !== null && speedRatio !== null && speedRatio > 0;
  return {
    audioSecondsLeft,
    speedRatio,
    etaSeconds: isKnown ? Math.round(audioSecondsLeft / speedRatio) : null,
  };
}

/**
 * What is left of a feed to transcribe. How long an episode is, is known once it is downloaded: those that are left count
 * as long as the mean of the known ones, or as `meanSeconds` where none is known.
 */
export function audioSecondsLeft(tally: Tally, meanSeconds: number | null = null): number | null {
  const left = tally.remaining.transcribe;
  if (left === 0) return 0;
  const mean = meanOf(tally) ?? meanSeconds;
  return mean === null ? null : Math.round(left * mean);
}

/** Of all feeds; `sum` is the sum of their tallies. */
export function audioSecondsLeftOf(
  feeds: Iterable<{ readonly tally: Tally }>,
  sum: Tally,
): number | null {
  const mean = meanOf(sum);
  let all = 0;
  for (const { tally } of feeds) {
    const left = audioSecondsLeft(tally, mean);
    if (left === null) return null;
    all += left;
  }
  return all;
}

function meanOf({ audioSeconds, done }: Tally): number | null {
  return audioSeconds > 0 && done.download > 0 ? audioSeconds / done.download : null;
}
