import type { IncomingMessage } from 'node:http';
import { addAbortSignal } from 'node:stream';
import { TransferEnd } from './byte-transfers.ts';

/** All of a small body. Rejects with `TransferEnd` when it is larger, or does not come in time. */
export async function bodyOf(
  request: IncomingMessage,
  withinMs: number,
  bytesMax: number,
): Promise<Buffer> {
  const patience = AbortSignal.timeout(withinMs);
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of addAbortSignal(patience, request) as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > bytesMax) break;
      parts.push(part);
    }
  } catch (error) {
    if (patience.aborted) throw new TransferEnd({ status: 408, reason: 'too_slow' });
    throw error;
  }
  if (bytes > bytesMax) throw new TransferEnd({ status: 413, reason: 'too_large' });
  return Buffer.concat(parts);
}
