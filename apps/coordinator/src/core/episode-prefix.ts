import type { EpisodeId } from '@podctl/domain/ids.ts';
import type { EpisodeRow, Snapshot } from './snapshot.ts';

/** The episodes whose id begins with `prefix`, two at most: enough to tell one from several. */
export function findEpisodes(snapshot: Snapshot, prefix: string): EpisodeRow[] {
  const found: EpisodeRow[] = [];
  for (const { episodes } of snapshot.feeds.values()) {
    const exact = episodes.get(prefix as EpisodeId);
    if (exact !== undefined) return [exact];
    for (const [id, row] of episodes) {
      if (id.startsWith(prefix)) found.push(row);
      if (found.length > 1) return found;
    }
  }
  return found;
}
