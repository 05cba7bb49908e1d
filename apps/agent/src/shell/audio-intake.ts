import { SNIFF_BYTES, sniff } from '@podctl/domain/audio-kind.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { DownloadFault } from '../core/http-answer.ts';
import { type RateFloor, rateWindow, received } from '../core/rate-floor.ts';
import type { Bandwidth } from './bandwidth.ts';
import { fault, type HttpAudio, networkFault } from './http-audio.ts';
import { type PartFile, PartMismatch } from './part-file.ts';

export interface IntakeLimits {
  /** Less is no episode. The seed's floor is 100 KB. */
  readonly floorBytes: number;
  readonly bytesMax: number;
  readonly rate: RateFloor;
}

export interface IntakePorts {
  readonly clock: Clock;
  readonly limits: IntakeLimits;
  readonly bandwidth: Pick<Bandwidth, 'pace'>;
  /** Of each chunk, as it comes. */
  readonly received: (bytes: number) => void;
  /** Of the whole. */
  readonly progress: (sizeBytes: number) => void;
  /** Called with the whole's size so far. Rejects when the disk has no room for more. */
  readonly room: (sizeBytes: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/** restart: the host's bytes do not go on where the part ends. `isPart`: what came so far may be gone on with. */
export type IntakeEnd =
  | { readonly kind: 'whole'; readonly extension: string }
  | { readonly kind: 'restart' }
  | { readonly kind: 'fault'; readonly fault: DownloadFault; readonly isPart: boolean };

/** Takes a body into a part, as long as it is audio and comes fast enough. Rejects on abort, and with what the disk says. */
export async function takeAudio(
  ports: IntakePorts,
  audio: HttpAudio,
  part: PartFile,
): Promise<IntakeEnd> {
  const { chunks } = audio;
  try {
    const first = await firstChunk(chunks, audio, part);
    if (!first.ok) return { kind: 'fault', fault: first.error, isPart: false };
    return await takeAll(ports, audio, part, chunks, first.value);
  } catch (error) {
    if (error instanceof PartMismatch) return { kind: 'restart' };
    throw error;
  }
}

interface First {
  readonly chunk: Uint8Array;
  readonly extension: string;
}

/** Looks at the first bytes of what begins anew; of what goes on they were looked at. */
async function firstChunk(
  chunks: HttpAudio['chunks'],
  audio: HttpAudio,
  part: PartFile,
): Promise<Result<First, DownloadFault>> {
  if (audio.startBytes > 0 || part.sizeBytes > 0)
    return ok({ chunk: new Uint8Array(0), extension: part.extension ?? 'bin' });
  const read = await headOf(chunks).catch((error: unknown) =>
    brokenOff(error, 0, audio.lengthBytes),
  );
  if ('code' in read) return err(read);
  const kind = sniff(read);
  if (kind.kind === 'page')
    return err(fault('web_page', `The host sent a web page (${kind.what}) instead of audio.`));
  const extension = kind.kind === 'audio' ? kind.extension : 'bin';
  const { place, validator, lengthBytes: totalBytes } = audio;
  await part.restart({ place, validator, totalBytes, extension });
  return ok({ chunk: read, extension });
}

async function headOf(chunks: HttpAudio['chunks']): Promise<Uint8Array> {
  const head: Uint8Array[] = [];
  for (let sizeBytes = 0; sizeBytes < SNIFF_BYTES; ) {
    const next = await chunks.next();
    if (next.done) break;
    head.push(next.value);
    sizeBytes += next.value.length;
  }
  return Buffer.concat(head);
}

async function takeAll(
  ports: IntakePorts,
  audio: HttpAudio,
  part: PartFile,
  chunks: HttpAudio['chunks'],
  first: First,
): Promise<IntakeEnd> {
  const { clock, limits, bandwidth, signal } = ports;
  let window = rateWindow(clock.monotonicMs());
  let waitedMs = 0;
  let chunk: Uint8Array | null = first.chunk;
  while (chunk !== null) {
    ports.received(chunk.length);
    await part.add(chunk);
    ports.progress(part.sizeBytes);
    await ports.room(part.sizeBytes);
    if (part.sizeBytes > limits.bytesMax)
      return ended('too_large', `The audio is larger than ${limits.bytesMax} bytes.`);
    waitedMs += await bandwidth.pace(chunk.length, signal);
    const next = received(window, chunk.length, limits.rate, clock.monotonicMs() - waitedMs);
    if (next === null) return tooSlow(limits.rate);
    window = next;
    const read: IteratorResult<Uint8Array, undefined> | DownloadFault = await chunks
      .next()
      .catch((error: unknown) => brokenOff(error, part.sizeBytes, audio.lengthBytes));
    signal.throwIfAborted();
    if ('code' in read) return { kind: 'fault', fault: read, isPart: read.code !== 'encoding' };
    chunk = read.done ? null : read.value;
  }
  return atTheEnd(limits, audio, part, first.extension);
}

function atTheEnd(
  { floorBytes }: IntakeLimits,
  { lengthBytes }: HttpAudio,
  { sizeBytes, isBehind }: PartFile,
  extension: string,
): IntakeEnd {
  if (lengthBytes !== null && sizeBytes < lengthBytes)
    return { kind: 'fault', fault: shortRead(sizeBytes, lengthBytes), isPart: true };
  if (isBehind || (lengthBytes !== null && sizeBytes > lengthBytes)) return { kind: 'restart' };
  if (sizeBytes === 0) return ended('empty', 'The host sent nothing.');
  if (sizeBytes < floorBytes)
    return ended(
      'too_small',
      `The audio has ${sizeBytes} bytes; at least ${floorBytes} were expected.`,
    );
  return { kind: 'whole', extension };
}

/** Nothing of it is worth going on with. */
function ended(code: string, reason: string): IntakeEnd {
  return { kind: 'fault', fault: fault(code, reason), isPart: false };
}

function tooSlow({ bytesPerSecondMin, windowMs }: RateFloor): IntakeEnd {
  const reason = `The host sent less than ${bytesPerSecondMin} bytes a second for ${windowMs / 1_000} s.`;
  return { kind: 'fault', fault: fault('too_slow', reason), isPart: true };
}

function brokenOff(error: unknown, sizeBytes: number, lengthBytes: number | null): DownloadFault {
  const network = networkFault(error);
  return network.code === 'network' && lengthBytes !== null
    ? shortRead(sizeBytes, lengthBytes)
    : network;
}

function shortRead(sizeBytes: number, lengthBytes: number): DownloadFault {
  return fault('short_read', `The host sent ${sizeBytes} of ${lengthBytes} bytes.`);
}
