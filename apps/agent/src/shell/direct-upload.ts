import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  DIRECT_PART_BYTES,
  type PartRequest,
  type UploadWish,
} from '@podctl/platform/library/direct-access.ts';
import type { Assignment } from '../core/assignment.ts';
import type { ByteAnswer } from '../core/byte-answer.ts';
import type { MoveEnd } from '../core/transfer-pace.ts';
import { type ByteClient, isNetwork, type LocalFile, type MoveOptions } from './byte-client.ts';
import type { DirectDesk } from './direct-desk.ts';
import type { StoreClient } from './store-client.ts';

export interface DirectUploadPorts {
  /** Keeps the pace of the tries. */
  readonly client: ByteClient;
  readonly desk: DirectDesk;
  readonly store: StoreClient;
  /** Counts what was sent. */
  readonly moved: (direction: 'in' | 'out', bytes: number) => void;
}

const PARTS_AT_ONCE = 4;
const READ_BYTES = 256 * 1024;

/**
 * Sends a file to the library's own store until all of it is there. What has arrived is asked each time, so a broken one goes
 * on with the parts that are missing, in this life of the agent or the next. Rejects with the signal's reason.
 */
export async function uploadDirect(
  ports: DirectUploadPorts,
  of: Assignment,
  name: string,
  file: LocalFile,
  options: MoveOptions,
): Promise<MoveEnd> {
  const { desk, client } = ports;
  const { signal } = options;
  const wish = await wishOf(file, signal);
  if (wish === null) return 'damaged';
  return client.persist(options, async () => {
    const plan = await desk.planUpload(of, name, wish, signal);
    switch (plan.kind) {
      case 'whole':
        return { kind: 'ok' };
      case 'differs':
        return { kind: 'refused' };
      case 'send':
        return sendParts(ports, plan.requests, file, plan.arrivedBytes, options);
      default:
        return plan;
    }
  });
}

async function sendParts(
  ports: DirectUploadPorts,
  requests: readonly PartRequest[],
  { place }: LocalFile,
  arrivedBytes: number,
  { signal, onProgress }: MoveOptions,
): Promise<ByteAnswer> {
  let offsetBytes = arrivedBytes;
  let trouble: ByteAnswer | null = null;
  const waiting = [...requests];
  const line = async () => {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      const answer = await sendOne(ports, part, place, signal);
      if (answer.kind !== 'ok') {
        trouble ??= answer;
        return;
      }
      offsetBytes += part.endBytes - part.startBytes;
      onProgress?.(offsetBytes);
    }
  };
  await Promise.all(Array.from({ length: PARTS_AT_ONCE }, line));
  // What has arrived is progress all the same, from which the count of tries begins anew.
  if (trouble !== null && offsetBytes === arrivedBytes) return trouble;
  return { kind: 'offset', offsetBytes };
}

async function sendOne(
  { store, moved }: DirectUploadPorts,
  part: PartRequest,
  place: string,
  signal: AbortSignal,
): Promise<ByteAnswer> {
  try {
    return await store.put(part, place, (bytes) => moved('out', bytes), signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!isNetwork(error)) throw error;
    return { kind: 'again', afterMs: null };
  }
}

/** Null when the file is not any more what was written. */
async function wishOf(
  { place, sizeBytes, sha256 }: LocalFile,
  signal: AbortSignal,
): Promise<UploadWish | null> {
  const whole = createHash('sha256');
  const parts: string[] = [];
  let readBytes = 0;
  let part = createHash('sha256');
  let partBytes = 0;
  const file = createReadStream(place, { highWaterMark: READ_BYTES, signal });
  for await (const chunk of file as AsyncIterable<Buffer>) {
    whole.update(chunk);
    readBytes += chunk.length;
    // A part is a whole number of reads, but a read may be shorter.
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + DIRECT_PART_BYTES - partBytes);
      part.update(piece);
      partBytes += piece.length;
      at += piece.length;
      if (partBytes < DIRECT_PART_BYTES) continue;
      parts.push(part.digest('hex'));
      part = createHash('sha256');
      partBytes = 0;
    }
  }
  if (partBytes > 0 || parts.length === 0) parts.push(part.digest('hex'));
  const fits = readBytes === sizeBytes && whole.digest('hex') === sha256;
  return fits ? { sizeBytes, sha256, parts } : null;
}
