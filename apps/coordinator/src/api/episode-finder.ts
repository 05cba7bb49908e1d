import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { EpisodeRow, Snapshot } from '../core/snapshot.ts';
import { findEpisodes } from '../core/view.ts';
import type { Failure } from './status.ts';

const prefixPattern = /^[a-z2-7]{4,26}$/;

/** The one episode whose id is, or begins with, what the caller gave. */
export function findEpisode(snapshot: Snapshot, given: string): Result<EpisodeRow, Failure> {
  const prefix = given.trim().toLowerCase();
  if (!prefixPattern.test(prefix))
    return err({
      kind: 'invalid',
      message:
        'episode_id is no episode id: give one, or 4 or more of its first characters, of a-z and 2-7',
    });
  const [first, second] = findEpisodes(snapshot, prefix);
  if (first === undefined)
    return err({
      kind: 'not_found',
      message: `no episode's id begins with "${prefix}": podctl episode list shows them`,
    });
  if (second !== undefined)
    return err({
      kind: 'invalid',
      message: `several episodes begin with "${prefix}", such as ${first.episode} and ${second.episode}: give more of the id`,
    });
  return ok(first);
}
