import { type Done, keptRun } from '@podctl/domain/episode-state.ts';
import type { FeedPurge } from '@podctl/domain/feed-purge.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import type { FeedRow } from '../core/snapshot.ts';

type FeedSize = Pick<FeedPurge, 'results' | 'files' | 'bytes'>;

/** Each episode is worked out anew: thousands of them are counted with breaths in between. */
const EPISODES_A_BREATH = 2_000;

/**
 * What of a feed is in the library, by the state alone: accepted results, their files with their manifests, and the bytes of the
 * files. Audio that keepAudio took away is not counted, and earlier runs are not.
 */
export async function sizeOfFeed(row: FeedRow | undefined): Promise<FeedSize> {
  const size = { results: 0, files: 0, bytes: 0 };
  let seen = 0;
  for (const { state } of row?.episodes.values() ?? []) {
    seen += 1;
    if (seen % EPISODES_A_BREATH === 0) await new Promise((resolve) => setImmediate(resolve));
    for (const stage of STAGES) addSize(size, keptRun(state.stages[stage]));
  }
  return size;
}

function addSize(size: { results: number; files: number; bytes: number }, done: Done | null): void {
  if (done === null) return;
  size.results += 1;
  if (done.audio !== undefined) return;
  size.files += done.manifest.files + 1;
  size.bytes += done.manifest.bytes;
}
