import { keptRun } from '@podctl/domain/episode-state.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import { episodeRow, type Snapshot } from '../core/snapshot.ts';
import type { AcceptedFile } from './fleet.ts';
import type { ViewLinks } from './view-links.ts';

interface StageOfEpisode {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly stage: Stage;
}

/** The accepted files of the newest done run, with their readable names; empty when none is done. */
export async function acceptedFiles(
  snapshot: Snapshot,
  views: ViewLinks,
  { feed, episode, stage }: StageOfEpisode,
): Promise<readonly AcceptedFile[]> {
  const state = episodeRow(snapshot, feed, episode)?.state;
  const done = state === undefined ? null : keptRun(state.stages[stage]);
  if (done === null) return [];
  const links = await views.links(feed, episode, stage, done.run, done.token, done.audio);
  return links.map(({ from, to, sizeBytes, sha256 }) => ({
    path: from,
    readablePath: to,
    sizeBytes,
    sha256,
  }));
}
