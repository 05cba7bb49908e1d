import type { Validator } from './validator.ts';

/** What is known of a part: written beside it, and believed only as far as the part's own bytes have the hash. */
export interface PartRecord {
  readonly version: 1;
  /** SHA-256 of where it came from: origin and path, without what may be a secret. */
  readonly place: string;
  readonly validator: Validator;
  readonly totalBytes: number | null;
  /** So many bytes are synced, and have this SHA-256. */
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Name of the audio's extension, by its first bytes. */
  readonly extension: string;
}

const hexPattern = /^[0-9a-f]{64}$/;

/** Null for whatever is not whole: a part without its record is worth nothing. */
export function parsePartRecord(text: string): PartRecord | null {
  try {
    const raw: unknown = JSON.parse(text);
    return isPartRecord(raw) ? raw : null;
  } catch {
    return null;
  }
}

function isPartRecord(raw: unknown): raw is PartRecord {
  if (!isRecord(raw) || raw.version !== 1 || !isRecord(raw.validator)) return false;
  const { place, sha256, sizeBytes, totalBytes, extension, validator } = raw;
  const { kind, value } = validator;
  return (
    isHex(place) &&
    isHex(sha256) &&
    isCount(sizeBytes) &&
    (totalBytes === null || isCount(totalBytes)) &&
    typeof extension === 'string' &&
    /^[a-z0-9]{1,8}$/.test(extension) &&
    (kind === 'etag' || kind === 'modified') &&
    typeof value === 'string'
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isHex(value: unknown): boolean {
  return typeof value === 'string' && hexPattern.test(value);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

export interface LyingPart {
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** Pure. The names that must go: those too old, then the oldest until the rest fits. */
export function expiredParts(
  parts: readonly LyingPart[],
  limits: { readonly ageMsMax: number; readonly bytesMax: number },
  nowMs: number,
): readonly string[] {
  const newestFirst = [...parts].sort((a, b) => b.modifiedMs - a.modifiedMs);
  let bytes = 0;
  return newestFirst
    .filter(({ sizeBytes, modifiedMs }) => {
      bytes += sizeBytes;
      return nowMs - modifiedMs > limits.ageMsMax || bytes > limits.bytesMax;
    })
    .map(({ name }) => name);
}
