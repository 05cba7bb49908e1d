/** A child that lived shorter than this died quickly: it will likely do so again. */
export const QUICK_DEATH_MS = 30_000;
export const QUICK_DEATHS_MAX = 5;
const DELAY_MS_MIN = 500;
const DELAY_MS_MAX = 30_000;

export type Restart =
  | { readonly kind: 'restart'; readonly afterMs: number; readonly quickDeaths: number }
  | { readonly kind: 'give-up'; readonly quickDeaths: number };

/** What to do after a death: `quickDeaths` in a row before it, and how long this life was. */
export function afterDeath(quickDeaths: number, livedMs: number): Restart {
  const quick = livedMs < QUICK_DEATH_MS ? quickDeaths + 1 : 1;
  if (quick >= QUICK_DEATHS_MAX) return { kind: 'give-up', quickDeaths: quick };
  const afterMs = Math.min(DELAY_MS_MAX, DELAY_MS_MIN * 2 ** (quick - 1));
  return { kind: 'restart', afterMs, quickDeaths: quick };
}
