import {
  CHECKPOINT_FILES_MAX,
  type CheckpointName,
  farthestCheckpoint,
} from '@podctl/domain/checkpoint-name.ts';
import type { ClusterId } from '@podctl/domain/ids.ts';
import { jobStaging } from '@podctl/domain/library-path.ts';
import type { JobToken } from '@podctl/domain/protocol.ts';
import type { Library } from '../library.ts';

/** Where the farthest checkpoint of a job's run is, whichever attempt left it; null when there is none. Rejects with `LibraryError`. */
export async function findCheckpoint(
  library: Library,
  cluster: ClusterId,
  { feed, episode, stage }: Pick<JobToken, 'feed' | 'episode' | 'stage'>,
  of: Pick<CheckpointName, 'run' | 'key'>,
): Promise<string | null> {
  const folder = jobStaging(cluster, feed, episode, stage);
  const files = await library.list(folder, CHECKPOINT_FILES_MAX);
  return farthestCheckpoint(
    files.map(({ path }) => path),
    of,
  );
}
