import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { CHECKPOINT_BYTES_MAX } from '@podctl/domain/checkpoint-name.ts';
import { err, type Result } from '@podctl/domain/result.ts';
import {
  type CheckpointOf,
  decisiveParameters,
  decodeCheckpoint,
  encodeCheckpoint,
} from '../core/checkpoint.ts';
import type { LoadedModel, RawTranscript } from '../core/raw-transcript.ts';
import { decodeSegment } from './engine-line.ts';

/** A day of speech has 20 MB of JSON. */
const TEXT_BYTES_MAX = 64 * 1024 ** 2;

const pack = promisify(gzip);
const unpack = promisify(gunzip);

/** Null where it is larger than one may be. */
export async function packCheckpoint(
  of: CheckpointOf,
  heard: RawTranscript,
): Promise<Uint8Array | null> {
  const bytes = await pack(encodeCheckpoint(of, heard));
  return bytes.length > CHECKPOINT_BYTES_MAX ? null : bytes;
}

/** The error says what is wrong with it. */
export async function unpackCheckpoint(
  bytes: Uint8Array,
  expected: CheckpointOf,
  audioSeconds: number | null,
): Promise<Result<RawTranscript, string>> {
  try {
    const text = await unpack(bytes, { maxOutputLength: TEXT_BYTES_MAX });
    return decodeCheckpoint(text.toString('utf8'), expected, audioSeconds, decodeSegment);
  } catch (error) {
    return err(`it cannot be unpacked (${error instanceof Error ? error.message : 'unknown'})`);
  }
}

/** SHA-256 of what decides the words, hex. */
export function parametersHash(
  model: LoadedModel,
  parameters: Readonly<Record<string, unknown>>,
): string {
  return createHash('sha256').update(decisiveParameters(model, parameters)).digest('hex');
}
