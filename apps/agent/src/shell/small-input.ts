import { createHash } from 'node:crypto';
import type { ByteAnswer } from '../core/byte-answer.ts';
import type { ByteClient, JobTicket } from './byte-client.ts';
import type { OpenInput } from './direct-desk.ts';

export interface SmallInputPorts {
  readonly client: Pick<ByteClient, 'persist'>;
  readonly open: OpenInput;
}

/** What is only worth having is not waited for longer. */
const READ_MS_MAX = 60_000;

/** A small file beside a job's input, in memory; null where it cannot be had whole and as it was accepted. Rejects on abort. */
export async function readSmallInput(
  { client, open }: SmallInputPorts,
  of: JobTicket,
  file: { readonly sha256: string; readonly sizeBytes: number },
  job: AbortSignal,
): Promise<Uint8Array | null> {
  const signal = AbortSignal.any([job, AbortSignal.timeout(READ_MS_MAX)]);
  let found: Uint8Array | null = null;
  const once = async (): Promise<ByteAnswer> => {
    const response = await open(of, { 'if-match': `"${file.sha256}"` }, signal);
    try {
      if (response.answer.kind !== 'ok') return response.answer;
      found = await collected(response.body, file.sizeBytes);
      const isSame = createHash('sha256').update(found).digest('hex') === file.sha256;
      return isSame ? { kind: 'ok' } : { kind: 'damaged' };
    } finally {
      response.close();
    }
  };
  try {
    return (await client.persist({ signal }, once)) === 'done' ? found : null;
  } catch (error) {
    job.throwIfAborted();
    if (signal.aborted) return null;
    throw error;
  }
}

async function collected(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > bytesMax) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
