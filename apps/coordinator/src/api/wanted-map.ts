import {
  type EpisodeFilter,
  FILTER_LIMITS,
  isNoFilter,
  NO_FILTER,
} from '@podctl/domain/feed/episode-filter.ts';
import type { EpisodeType } from '@podctl/domain/feed/feed-document.ts';
import { CHOICE_LIMITS } from '@podctl/domain/feed-choices.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { titlePattern } from '@podctl/platform/title-pattern.ts';
import type { WantedEpisodes } from '@podctl/proto/podctl/v1/feed.ts';
import type { ChoiceProblem } from './feed-choices-check.ts';
import { dateOf } from './time-map.ts';

const TYPES: readonly EpisodeType[] = ['full', 'trailer', 'bonus'];

/** Undefined where all episodes are wanted. */
export function wantedMessage(filter: EpisodeFilter | undefined): WantedEpisodes | undefined {
  if (filter === undefined || isNoFilter(filter)) return undefined;
  const { titleMatch, titleSkip, sinceMs, episodesMax } = filter;
  return {
    titleMatch: titleMatch ?? '',
    titleSkip: titleSkip ?? '',
    publishedSince: dateOf(sinceMs),
    episodesMax: episodesMax ?? 0,
    minDurationSeconds: filter.minDurationSeconds ?? undefined,
    maxDurationSeconds: filter.maxDurationSeconds ?? undefined,
    seasons: [...filter.seasons],
    episodeTypes: [...filter.episodeTypes],
  };
}

/** Null where all episodes are wanted. */
export function filterOf(wanted: WantedEpisodes): Result<EpisodeFilter | null, ChoiceProblem> {
  const problem = problemOf(wanted);
  if (problem !== null) return err(problem);
  const types = TYPES.filter((type) => wanted.episodeTypes.includes(type));
  const filter: EpisodeFilter = {
    titleMatch: wanted.titleMatch || null,
    titleSkip: wanted.titleSkip || null,
    sinceMs: wanted.publishedSince?.getTime() ?? null,
    episodesMax: wanted.episodesMax || null,
    minDurationSeconds: wanted.minDurationSeconds || null,
    maxDurationSeconds: wanted.maxDurationSeconds || null,
    seasons: [...new Set(wanted.seasons)].sort((a, b) => a - b),
    episodeTypes: types.length === TYPES.length ? NO_FILTER.episodeTypes : types,
  };
  return ok(isNoFilter(filter) ? null : filter);
}

function problemOf(wanted: WantedEpisodes): ChoiceProblem | null {
  return (
    patternProblem('title_match', wanted.titleMatch) ??
    patternProblem('title_skip', wanted.titleSkip) ??
    durationProblem(wanted) ??
    listProblem(wanted)
  );
}

function patternProblem(field: string, expression: string): ChoiceProblem | null {
  if (expression === '') return null;
  const pattern = titlePattern(expression);
  if (pattern.ok) return null;
  const name = field === 'title_match' ? 'titles to match' : 'titles to skip';
  return { field, problem: `the pattern of ${name} cannot be used: ${pattern.error}` };
}

function durationProblem(wanted: WantedEpisodes): ChoiceProblem | null {
  const { minDurationSeconds: min = 0, maxDurationSeconds: max = 0 } = wanted;
  const { durationSecondsMax } = FILTER_LIMITS;
  for (const [field, seconds] of [
    ['min_duration_seconds', min],
    ['max_duration_seconds', max],
  ] as const)
    if (!(seconds >= 0 && seconds <= durationSecondsMax))
      return { field, problem: `a length is not 0 to ${durationSecondsMax} seconds` };
  if (max > 0 && min > max)
    return {
      field: 'max_duration_seconds',
      problem: `no episode is ${min} s long at least and ${max} s at most: give a larger maximum`,
    };
  return null;
}

function listProblem({ episodesMax, seasons, episodeTypes }: WantedEpisodes): ChoiceProblem | null {
  const { seasonsMax, seasonMax } = FILTER_LIMITS;
  if (episodesMax > FILTER_LIMITS.episodesMax)
    return {
      field: 'episodes_max',
      problem: `episodes_max is above ${FILTER_LIMITS.episodesMax}: leave it out for all`,
    };
  if (seasons.length > seasonsMax || seasons.some((season) => season > seasonMax))
    return {
      field: 'seasons',
      problem: `give ${seasonsMax} seasons at most, each 0 to ${seasonMax}`,
    };
  if (episodeTypes.some((type) => !TYPES.some((known) => known === type)))
    return { field: 'episode_types', problem: `an episode type is none of ${TYPES.join(', ')}` };
  return null;
}

/** What is wrong with what the engine is to be told; null when nothing is. */
export function wordsProblem(words: {
  readonly prompt?: string | undefined;
  readonly hotwords?: string | undefined;
}): ChoiceProblem | null {
  const { promptLengthMax, hotwordsLengthMax } = CHOICE_LIMITS;
  for (const [field, text, max] of [
    ['prompt', words.prompt ?? '', promptLengthMax],
    ['hotwords', words.hotwords ?? '', hotwordsLengthMax],
  ] as const) {
    if (text.length > max)
      return { field, problem: `${field} has ${text.length} characters: give ${max} at most` };
    if (/\p{Cc}/u.test(text))
      return { field, problem: `${field} holds control characters: give one line of text` };
  }
  return null;
}
