import { err, ok, type Result } from '@podctl/domain/result.ts';
import { findEpisodes } from '../core/episode-prefix.ts';
import type { EpisodeRow, Snapshot } from '../core/snapshot.ts';
import type { Failure } from './status.ts';

const prefixPattern = /^[a-z2-7]{4,26}$/;

/** The one episode whose id is, or begins with, what the caller gave. */
export function findEpisode(snapshot: Snapshot, given: string): Result<EpisodeRow, Failure> {
  const prefix = given.trim().toLowerCase();
  if (!prefixPattern.test(prefix))
    return err({
      kind: 'invalid',
      field: 'episode_id',
      message: 'episode_id is no episode id',
      hint: 'give one, or 4 or more of its first characters, of a-z and 2-7',
    });
  const [first, second] = findEpisodes(snapshot, prefix);
  if (first === undefined)
    return err({
      kind: 'not_found',
      reason: 'EPISODE_NOT_FOUND',
      message: `no episode's id begins with "${prefix}"`,
      hint: '"podctl episode list" shows them',
    });
  if (second !== undefined)
    return err({
      kind: 'invalid',
      reason: 'EPISODE_AMBIGUOUS',
      field: 'episode_id',
      message: `several episodes begin with "${prefix}", such as ${first.episode} and ${second.episode}`,
      hint: 'give more of the id',
    });
  return ok(first);
}
