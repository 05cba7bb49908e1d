import type { FileLibrary } from '@podctl/platform/library/file-library.ts';
import type { FileTransfers } from '@podctl/platform/library/file-transfers.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import { type ByteAnswer, bodyPlace, wholeLength } from '../core/byte-answer.ts';
import type { MoveEnd } from '../core/transfer-pace.ts';
import { type ByteClient, type ByteResponse, isNetwork, type JobTicket } from './byte-client.ts';
import type { OpenInput } from './direct-desk.ts';

export interface InputFetchPorts {
  readonly client: ByteClient;
  readonly open: OpenInput;
  readonly spool: FileLibrary;
  readonly transfers: FileTransfers;
  /** Stays free on the spool's disk. */
  readonly freeBytesMin: number;
  /** Called with what is still to come, before it does. */
  readonly makeRoom: (bytes: number) => Promise<void>;
  readonly moved: (direction: 'in' | 'out', bytes: number) => void;
}

/**
 * Fetches a job's input into the spool, from where an earlier try broke off, and gives it its name when it has the SHA-256.
 * Rejects with the signal's reason, or with `LibraryError` where the spool cannot take it.
 */
export function fetchInput(
  ports: InputFetchPorts,
  of: JobTicket,
  into: { readonly path: string; readonly sha256: string },
  signal: AbortSignal,
): Promise<MoveEnd> {
  return ports.client.persist({ signal }, () => fetchOnce(ports, of, into, signal));
}

async function fetchOnce(
  ports: InputFetchPorts,
  of: JobTicket,
  { path, sha256 }: { readonly path: string; readonly sha256: string },
  signal: AbortSignal,
): Promise<ByteAnswer> {
  const { open, transfers } = ports;
  const there = await transfers.progress(path);
  if (there.kind === 'whole') return { kind: 'ok' };
  const offsetBytes = there.kind === 'part' ? there.sizeBytes : 0;
  const wanted = { range: `bytes=${offsetBytes}-`, 'if-match': `"${sha256}"` };
  const response = await open(of, wanted, signal);
  try {
    if (response.status === 416)
      return await atTheEnd(ports, path, sha256, offsetBytes, response, signal);
    if (response.answer.kind !== 'ok') return response.answer;
    const place = bodyPlace(
      response.status,
      response.header('content-range'),
      response.header('content-length'),
    );
    if (place === null) return { kind: 'refused' };
    if (place.startBytes !== offsetBytes) {
      await transfers.drop(path);
      return { kind: 'damaged' };
    }
    await makeRoom(ports, place.totalBytes - offsetBytes);
    const { totalBytes } = place;
    const limits = { signal, bytesMax: totalBytes };
    try {
      await transfers.append(path, offsetBytes, counted(response.body, ports.moved), limits);
    } catch (error) {
      signal.throwIfAborted();
      return await brokenOff(ports, path, offsetBytes, error);
    }
    return await conclude(ports, path, { sizeBytes: totalBytes, sha256 }, signal);
  } finally {
    response.close();
  }
}

/** What came before it broke off is progress, from which the count of tries begins anew. Else rejects with the error. */
async function brokenOff(
  { transfers }: InputFetchPorts,
  path: string,
  offsetBytes: number,
  error: unknown,
): Promise<ByteAnswer> {
  if (!isNetwork(error)) throw error;
  const left = await transfers.progress(path);
  if (left.kind !== 'part' || left.sizeBytes <= offsetBytes) throw error;
  return { kind: 'offset', offsetBytes: left.sizeBytes };
}

/** What is there is as long as the whole, or longer. */
async function atTheEnd(
  ports: InputFetchPorts,
  path: string,
  sha256: string,
  offsetBytes: number,
  response: ByteResponse,
  signal: AbortSignal,
): Promise<ByteAnswer> {
  const sizeBytes = wholeLength(response.header('content-range'));
  if (sizeBytes === offsetBytes) return conclude(ports, path, { sizeBytes, sha256 }, signal);
  await ports.transfers.drop(path);
  return { kind: 'damaged' };
}

async function conclude(
  { transfers }: InputFetchPorts,
  path: string,
  expected: { readonly sizeBytes: number; readonly sha256: string },
  signal: AbortSignal,
): Promise<ByteAnswer> {
  const there = await transfers.progress(path);
  // A body that ended early without an error.
  if (there.kind === 'part' && there.sizeBytes < expected.sizeBytes)
    return { kind: 'offset', offsetBytes: there.sizeBytes };
  return (await transfers.complete(path, expected, signal)) ? { kind: 'ok' } : { kind: 'damaged' };
}

async function makeRoom(ports: InputFetchPorts, bytes: number): Promise<void> {
  await ports.makeRoom(bytes);
  const { freeBytes } = await ports.spool.space();
  if (freeBytes - bytes < ports.freeBytesMin)
    throw new LibraryError('full', 'this machine’s disk has no room for the audio');
}

async function* counted(
  body: AsyncIterable<Uint8Array>,
  moved: InputFetchPorts['moved'],
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    moved('in', chunk.length);
    yield chunk;
  }
}
