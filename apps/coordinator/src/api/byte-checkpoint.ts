import { CHECKPOINT_BYTES_MAX } from '@podctl/domain/checkpoint-name.ts';
import { nextRun } from '@podctl/domain/episode-move.ts';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import type { ClusterId } from '@podctl/domain/ids.ts';
import type { DirectAccess } from '@podctl/platform/library/direct-access.ts';
import { findCheckpoint } from '@podctl/platform/library/staged-checkpoints.ts';
import type { Library } from '@podctl/platform/library.ts';
import type { ByteRoute } from '../core/byte-access.ts';
import type { ByteInput, SentFile } from './byte-input.ts';

export interface CheckpointRequest extends SentFile {
  readonly route: Extract<ByteRoute, { kind: 'checkpoint' }>;
  readonly cluster: ClusterId;
  readonly state: EpisodeState;
}

/** How its bytes go: through here, or from the store. */
export type CheckpointWay = Pick<ByteInput, 'sendFile'> | Pick<DirectAccess, 'readUrl'>;

/** GET: the file, or where it is; 204 where there is none. The run and the path are the state's, never the asker's. */
export function checkpointSender(library: Library, way: CheckpointWay) {
  return (of: CheckpointRequest) => sendCheckpoint(library, way, of);
}

async function sendCheckpoint(
  library: Library,
  way: CheckpointWay,
  of: CheckpointRequest,
): Promise<void> {
  const { route, cluster, state, response } = of;
  const run = nextRun(state.stages[route.stage]);
  const path = await findCheckpoint(library, cluster, route, { run, key: route.key });
  const found = path === null ? null : await library.stat(path);
  response.setHeader('cache-control', 'no-store');
  if (path === null || found === null || found.sizeBytes > CHECKPOINT_BYTES_MAX)
    return void response.writeHead(204).end();
  if ('sendFile' in way) return way.sendFile(of, { path, sizeBytes: found.sizeBytes });
  const location = await way.readUrl(path);
  response.writeHead(307, { location, 'content-length': '0' }).end();
}
