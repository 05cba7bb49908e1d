import { type Epoch, isEpoch, type Nonce, nonce } from '@podctl/domain/ids.ts';
import { z } from 'zod';

/** The value of the leader's key. */
export interface LeaderRecord {
  readonly coordinator: string;
  /** Where the others forward writes to. */
  readonly address: string;
  /** Null in the create that begins a reign: its revision is the epoch. */
  readonly epoch: Epoch | null;
  /** A new one in each write, so that its writer knows it again. */
  readonly nonce: Nonce;
}

const schema = z.object({
  coordinator: z.string(),
  address: z.string(),
  epoch: z.number().nullable(),
  nonce: z.string(),
});

export function encodeLeader(record: LeaderRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(record));
}

/** Null when it is not a leader's record: then somebody unknown holds the key. */
export function decodeLeader(value: Uint8Array): LeaderRecord | null {
  let raw: unknown;
  try {
    raw = JSON.parse(new TextDecoder().decode(value));
  } catch {
    return null;
  }
  const parsed = schema.safeParse(raw);
  if (!parsed.success) return null;
  const { coordinator, address, epoch } = parsed.data;
  const known = nonce(parsed.data.nonce);
  if (!known.ok || (epoch !== null && !isEpoch(epoch))) return null;
  return { coordinator, address, epoch, nonce: known.value };
}
