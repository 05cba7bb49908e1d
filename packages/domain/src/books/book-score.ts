import type { ManifestRef } from '../manifest.ts';

/**
 * How a feed's score comes from what its episodes' transcripts say (docs/books.md).
 *
 *   density of an episode   weighted recommendations an hour, an episode counting as ten minutes at least
 *   its score               min(10, 1 + 3·log2(1 + density/2)): 0 an hour is 1, 2 is 4, 6 is 7, 14 is 10
 *   its evidence            1, or less of one shorter than 20 minutes, in proportion
 *   the feed's score        (3·PRIOR + Σ evidence·score) / (PRIOR + Σ evidence), PRIOR 3 episodes: few say little
 *
 * A mean of scores that cannot pass 10, so that one special about books does not make a book show.
 */
export const BOOK_SCORE_UNKNOWN = 3;
export const BOOK_SCORE_MAX = 10;
const PRIOR_EPISODES = 3;
/** Below one whole episode it stays 3. */
const EVIDENCE_MIN = 1;
const EVIDENCE_SECONDS = 1_200;
const DENSITY_SECONDS_MIN = 600;
const MILLI = 1_000;

/** Sums over the scored episodes of a feed. Whole numbers, since a fold takes away again what it added. */
export interface BookTally {
  /** Those that say something: of a language that is not read they do not. */
  episodes: number;
  /** Thousandths of an episode. */
  evidence: number;
  /** Thousandths of evidence times score. */
  scored: number;
  /** Hundredths of a recommendation, weighted. */
  weight: number;
  seconds: number;
}

export function emptyBookTally(): BookTally {
  return { episodes: 0, evidence: 0, scored: 0, weight: 0, seconds: 0 };
}

/** Adds (`times` 1) or takes away (−1) what one scored episode counts. @param scored null: it is not. */
export function addBooks(tally: BookTally, scored: ManifestRef | null, times: 1 | -1): void {
  const { figure: weight, audioSeconds = null } = scored ?? {};
  if (weight === undefined || audioSeconds === null || !(audioSeconds > 0)) return;
  const evidence = Math.min(1, audioSeconds / EVIDENCE_SECONDS);
  tally.episodes += times;
  tally.evidence += times * Math.round(evidence * MILLI);
  tally.scored += times * Math.round(evidence * episodeScore(weight, audioSeconds) * MILLI);
  tally.weight += times * Math.round(weight * 100);
  tally.seconds += times * Math.round(audioSeconds);
}

export function addBookTally(sum: BookTally, more: BookTally): void {
  sum.episodes += more.episodes;
  sum.evidence += more.evidence;
  sum.scored += more.scored;
  sum.weight += more.weight;
  sum.seconds += more.seconds;
}

/** 1 to 10. @param weight its recommendations, weighted. */
export function episodeScore(weight: number, audioSeconds: number): number {
  const hours = Math.max(DENSITY_SECONDS_MIN, audioSeconds) / 3_600;
  const score = 1 + 3 * Math.log2(1 + weight / hours / 2);
  return Math.min(BOOK_SCORE_MAX, score);
}

/** user: somebody gave it. transcripts: worked out. default: nothing is known yet. */
export type BookScoreSource = 'user' | 'transcripts' | 'default';

export interface BookScore {
  /** Whole, 1 to 10: what plans go by. */
  readonly score: number;
  readonly source: BookScoreSource;
  /** What the transcripts alone say; null while they say too little. */
  readonly fromTranscripts: number | null;
  /** Episodes that were counted. */
  readonly episodes: number;
  /** Weighted recommendations an hour; null where none was counted. */
  readonly mentionsPerHour: number | null;
}

/** @param given by a user, whose word goes before all that is worked out. */
export function feedBookScore(tally: BookTally, given: number | null): BookScore {
  const { episodes, evidence, scored, weight, seconds } = tally;
  const isKnown = evidence >= EVIDENCE_MIN * MILLI;
  const prior = PRIOR_EPISODES * MILLI;
  const exact = (BOOK_SCORE_UNKNOWN * prior + scored) / (prior + evidence);
  const fromTranscripts = isKnown ? Math.round(exact * 10) / 10 : null;
  const source = given !== null ? 'user' : isKnown ? 'transcripts' : 'default';
  return {
    score: given ?? (isKnown ? Math.round(exact) : BOOK_SCORE_UNKNOWN),
    source,
    fromTranscripts,
    episodes,
    mentionsPerHour: seconds > 0 ? (weight * 36) / seconds : null,
  };
}
