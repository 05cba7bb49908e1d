import { CHECKPOINT_BYTES_MAX } from '@podctl/domain/checkpoint-name.ts';
import { stagingFolder } from '@podctl/domain/library-path.ts';
import { findCheckpoint } from '@podctl/platform/library/staged-checkpoints.ts';
import type { Library } from '@podctl/platform/library.ts';
import type { Assignment } from '../core/assignment.ts';
import type { CheckpointStore } from './attempt-store.ts';

/** Checkpoints in a library that this process reaches itself. */
export function libraryCheckpoints(
  library: Library,
  { cluster, job }: Pick<Assignment, 'cluster' | 'job'>,
): CheckpointStore {
  const { feed, episode, stage, run, token } = job;
  const folder = stagingFolder(cluster, feed, episode, stage, token);
  return {
    read: async (key) => {
      const path = await findCheckpoint(library, cluster, job, { run, key });
      return path === null ? null : library.readSmall(path, CHECKPOINT_BYTES_MAX);
    },
    write: async (name, bytes, signal) => {
      await library.write(`${folder}/${name}`, once(bytes), signal);
    },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
