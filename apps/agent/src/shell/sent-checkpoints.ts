import { createHash } from 'node:crypto';
import { CHECKPOINT_BYTES_MAX } from '@podctl/domain/checkpoint-name.ts';
import { stagingFolder } from '@podctl/domain/library-path.ts';
import type { FileLibrary } from '@podctl/platform/library/file-library.ts';
import { placeOf } from '@podctl/platform/library/safe-path.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import type { Assignment } from '../core/assignment.ts';
import type { ByteAnswer } from '../core/byte-answer.ts';
import type { MoveEnd } from '../core/transfer-pace.ts';
import type { CheckpointStore } from './attempt-store.ts';
import {
  authorization,
  type ByteClient,
  type ByteResponse,
  jobPath,
  type LocalFile,
} from './byte-client.ts';
import type { StoreClient } from './store-client.ts';

export interface SentCheckpointPorts {
  readonly spool: FileLibrary;
  readonly client: ByteClient;
  readonly store: StoreClient;
  /** As the attempt's other files are sent. */
  readonly upload: (name: string, file: LocalFile, signal: AbortSignal) => Promise<MoveEnd>;
}

/** Checkpoints through a coordinator, which says where they are where agents reach the library's own store. */
export function sentCheckpoints(
  ports: SentCheckpointPorts,
  assignment: Assignment,
): CheckpointStore {
  return {
    read: (key, signal) => fetchCheckpoint(ports, assignment, key, signal),
    write: (name, bytes, signal) => sendCheckpoint(ports, assignment, name, bytes, signal),
  };
}

async function fetchCheckpoint(
  { client, store }: SentCheckpointPorts,
  of: Assignment,
  key: string,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  const found: { bytes: Uint8Array | null } = { bytes: null };
  const path = `${jobPath(of.job)}/checkpoint/${key}`;
  const end = await client.persist({ signal }, async (): Promise<ByteAnswer> => {
    const response = await opened(
      await client.ask('GET', path, authorization(of), signal),
      store,
      signal,
    );
    try {
      if (response.answer.kind === 'ok' && response.status !== 204)
        found.bytes = await wholeOf(response.body);
      return response.answer;
    } finally {
      response.close();
    }
  });
  // A coordinator of yesterday has no such route.
  if (end === 'done' || end === 'missing') return found.bytes;
  throw new LibraryError('io', `the checkpoint could not be fetched (${end})`);
}

async function opened(
  response: ByteResponse,
  store: StoreClient,
  signal: AbortSignal,
): Promise<ByteResponse> {
  const location = response.header('location');
  if (response.status !== 307 || location === null || !/^https?:/.test(location)) return response;
  response.close();
  return store.get(location, {}, signal);
}

async function wholeOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > CHECKPOINT_BYTES_MAX)
      throw new LibraryError('too_large', 'the checkpoint is larger than one can be');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** By way of this machine's disk, as every file of an attempt. */
async function sendCheckpoint(
  { spool, upload }: SentCheckpointPorts,
  { cluster, job }: Assignment,
  name: string,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const { feed, episode, stage, token } = job;
  const path = `${stagingFolder(cluster, feed, episode, stage, token)}/${name}`;
  await spool.write(path, once(bytes), signal);
  const place = await placeOf(spool.root, path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const end = await upload(name, { place, sizeBytes: bytes.length, sha256 }, signal);
  if (end !== 'done') throw new LibraryError('io', `the checkpoint could not be sent (${end})`);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
