import { createHash } from 'node:crypto';
import {
  type EpisodeFilter,
  type FilteredFacts,
  NO_FILTER,
  passes,
  type TitleTest,
} from '@podctl/domain/feed/episode-filter.ts';
import { titlePattern } from '@podctl/platform/title-pattern.ts';

/** A filter made ready. */
export interface EpisodeGate {
  /** The same for the same filter. */
  readonly name: string;
  readonly episodesMax: number | null;
  passes(facts: FilteredFacts): boolean;
}

/** A pattern that is none (of a newer version's dialect) keeps nothing back: what is wanted by mistake can be skipped. */
export function madeReady(filter: EpisodeFilter | undefined): EpisodeGate {
  const wanted = { ...NO_FILTER, ...filter };
  const patterns = { match: ready(wanted.titleMatch), skip: ready(wanted.titleSkip) };
  const name = createHash('sha256').update(JSON.stringify(wanted)).digest('base64url').slice(0, 12);
  return {
    name,
    episodesMax: wanted.episodesMax,
    passes: (facts) => passes(wanted, patterns, facts),
  };
}

function ready(expression: string | null): TitleTest | null {
  if (expression === null) return null;
  const pattern = titlePattern(expression);
  return pattern.ok ? pattern.value : null;
}
