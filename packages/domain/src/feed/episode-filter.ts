import type { EpisodeType } from './feed-document.ts';

/** Which episodes of a feed are wanted; what is null or empty lets everything through. */
export interface EpisodeFilter {
  /** Regular expressions (RE2), without regard to case, found anywhere in the title. */
  readonly titleMatch: string | null;
  readonly titleSkip: string | null;
  /** Published at that time or later; what has no date passes. */
  readonly sinceMs: number | null;
  /** At each reading the newest so many of those that pass; what was wanted before stays so. */
  readonly episodesMax: number | null;
  /** By the length that the feed claims; what has none passes. */
  readonly minDurationSeconds: number | null;
  readonly maxDurationSeconds: number | null;
  /** What is of no season does not pass. */
  readonly seasons: readonly number[];
  readonly episodeTypes: readonly EpisodeType[];
}

export const NO_FILTER: EpisodeFilter = {
  titleMatch: null,
  titleSkip: null,
  sinceMs: null,
  episodesMax: null,
  minDurationSeconds: null,
  maxDurationSeconds: null,
  seasons: [],
  episodeTypes: [],
};

export const FILTER_LIMITS = {
  patternLengthMax: 200,
  episodesMax: 1_000_000,
  durationSecondsMax: 1_000_000,
  seasonsMax: 100,
  seasonMax: 999_999,
} as const;

/** What a filter looks at. */
export interface FilteredFacts {
  readonly title: string;
  readonly publishedMs: number | null;
  readonly durationSecondsEstimate: number | null;
  readonly season: number | null;
  readonly episodeType: EpisodeType;
}

/** Whether a title has something that a pattern looks for. */
export type TitleTest = (title: string) => boolean;

/** Characters of a title that patterns look at: a title may have thousands. */
const TITLE_LENGTH_MAX = 500;

/** Whether one episode passes; `match` and `skip` are the filter's patterns, made ready. The number is not looked at. */
export function passes(
  filter: EpisodeFilter,
  patterns: { readonly match: TitleTest | null; readonly skip: TitleTest | null },
  facts: FilteredFacts,
): boolean {
  const { sinceMs, seasons, episodeTypes } = filter;
  const { publishedMs, season, episodeType } = facts;
  if (sinceMs !== null && publishedMs !== null && publishedMs < sinceMs) return false;
  if (!fitsDuration(filter, facts.durationSecondsEstimate)) return false;
  if (seasons.length > 0 && (season === null || !seasons.includes(season))) return false;
  if (episodeTypes.length > 0 && !episodeTypes.includes(episodeType)) return false;
  const title = facts.title.slice(0, TITLE_LENGTH_MAX);
  return patterns.match?.(title) !== false && patterns.skip?.(title) !== true;
}

function fitsDuration(filter: EpisodeFilter, seconds: number | null): boolean {
  if (seconds === null) return true;
  const { minDurationSeconds: min, maxDurationSeconds: max } = filter;
  return (min === null || seconds >= min) && (max === null || seconds <= max);
}

export function isNoFilter(filter: EpisodeFilter): boolean {
  return JSON.stringify({ ...NO_FILTER, ...filter }) === JSON.stringify(NO_FILTER);
}
