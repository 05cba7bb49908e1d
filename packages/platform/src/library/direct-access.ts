import { err, ok, type Result } from '@podctl/domain/result.ts';
import { z } from 'zod';
import type { Library } from '../library.ts';

/**
 * Bytes between an agent and a store that both reach, past the coordinator: it judges who may, and gives URLs that are each
 * good for one object, one way, a few minutes. Nothing is remembered of them: what has arrived is asked of the store.
 */
export interface DirectAccess {
  /** What is still to be sent of a file below `staging/`; once nothing is, the file is there under its name. */
  planUpload(path: string, wish: UploadWish, signal: AbortSignal): Promise<UploadPlan>;
  /** Reads one file, whole or a range of it. */
  readUrl(path: string): Promise<string>;
  /** Reads the library's marker: for an agent to see that it reaches the store. */
  markerUrl(): Promise<string>;
}

/** A library in a store that agents reach themselves. */
export interface DirectLibrary {
  readonly library: Library;
  readonly direct: DirectAccess;
}

/** Files are sent in parts of this size, the last one shorter; one that is not larger is sent whole. */
export const DIRECT_PART_BYTES = 16 * 1024 ** 2;
/** 16 GiB: an episode of a day at 192 kbit/s has 2 GB. */
const PARTS_MAX = 1_000;
/** Given at once: they are good for a few minutes only. */
export const DIRECT_REQUESTS_MAX = 16;

/** A file as its sender knows it. */
export interface UploadWish {
  readonly sizeBytes: number;
  /** Of the whole; hex. */
  readonly sha256: string;
  /** Of each part, in order; hex. The store takes no other bytes for it. */
  readonly parts: readonly string[];
}

export type UploadPlan =
  /** It is there, and is what was announced. */
  | { readonly kind: 'whole' }
  /** Another file has this name already. */
  | { readonly kind: 'differs' }
  | {
      readonly kind: 'send';
      readonly requests: readonly PartRequest[];
      /** How much of it has arrived. */
      readonly arrivedBytes: number;
    };

/** PUT `startBytes` up to the one before `endBytes` there, with these header fields and no others of its own. */
export interface PartRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly startBytes: number;
  readonly endBytes: number;
}

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const bytes = z
  .int()
  .min(0)
  .max(DIRECT_PART_BYTES * PARTS_MAX);
const wishSchema = z
  .strictObject({ sizeBytes: bytes, sha256: hex, parts: z.array(hex).min(1).max(PARTS_MAX) })
  .refine(({ sizeBytes, parts }) => parts.length === partsOf(sizeBytes));
const requestSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).max(8_192),
  headers: z.record(z.string().regex(/^[a-z0-9-]{1,64}$/), z.string().max(1_024)),
  startBytes: bytes,
  endBytes: bytes,
});
const planSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('whole') }),
  z.strictObject({ kind: z.literal('differs') }),
  z.strictObject({
    kind: z.literal('send'),
    requests: z.array(requestSchema).max(DIRECT_REQUESTS_MAX),
    arrivedBytes: bytes,
  }),
]);

/** How many parts a file of this size has; an empty one has one. */
export function partsOf(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / DIRECT_PART_BYTES));
}

/** What another process said. */
export function parseUploadWish(text: string): Result<UploadWish, string> {
  return parsed(wishSchema, text);
}

export function parseUploadPlan(text: string): Result<UploadPlan, string> {
  return parsed(planSchema, text);
}

function parsed<T>(schema: z.ZodType<T>, text: string): Result<T, string> {
  try {
    const read = schema.safeParse(JSON.parse(text));
    return read.success ? ok(read.data) : err('it has not the expected form');
  } catch {
    return err('it is no JSON');
  }
}
