import { err, ok, type Result } from '@podctl/domain/result.ts';

/**
 * The fields of an upload, after the IETF's draft of resumable uploads, and RFC 9530 for the digest. All of them are
 * structured fields (RFC 8941) in their plainest form; another form is refused.
 */
export interface UploadPiece {
  readonly offsetBytes: number;
  /** What the file must be in the end, when this piece is its last. */
  readonly whole: { readonly sizeBytes: number; readonly sha256: string } | null;
}

export interface UploadFields {
  readonly offset: string | undefined;
  readonly complete: string | undefined;
  readonly length: string | undefined;
  readonly digest: string | undefined;
}

/** The error is which field is wrong. */
export function parseUploadPiece(fields: UploadFields): Result<UploadPiece, string> {
  const offsetBytes = bytesOf(fields.offset);
  if (offsetBytes === null) return err('Upload-Offset');
  if (fields.complete === '?0') return ok({ offsetBytes, whole: null });
  if (fields.complete !== '?1') return err('Upload-Complete');
  const sizeBytes = bytesOf(fields.length);
  if (sizeBytes === null || sizeBytes < offsetBytes) return err('Upload-Length');
  const sha256 = sha256Of(fields.digest);
  return sha256 === null ? err('Repr-Digest') : ok({ offsetBytes, whole: { sizeBytes, sha256 } });
}

/** Bytes of a file: from `startBytes` to the one before `endBytes`. */
export interface ByteRange {
  readonly startBytes: number;
  readonly endBytes: number;
}

/** Null: the whole file is answered, as RFC 9110 has it for a range that is not understood. */
export function parseRange(
  header: string | undefined,
  sizeBytes: number,
): ByteRange | 'unsatisfiable' | null {
  const [, first = '', last = ''] = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '') return null;
  const startBytes = Number(first);
  const endBytes = last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  return startBytes < endBytes ? { startBytes, endBytes } : 'unsatisfiable';
}

/** Whether If-Match lets through what has this entity tag. */
export function matches(ifMatch: string | undefined, etag: string): boolean {
  if (ifMatch === undefined || ifMatch.trim() === '*') return true;
  return ifMatch.split(',').some((tag) => tag.trim() === etag);
}

function bytesOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** Hex, from `sha-256=:<base64>:`. */
function sha256Of(text: string | undefined): string | null {
  const [, base64 = ''] = /^sha-256=:([A-Za-z0-9+/]{43}=):$/.exec(text ?? '') ?? [];
  if (base64 === '') return null;
  return [...atob(base64)].map((c) => c.charCodeAt(0).toString(16).padStart(2, '0')).join('');
}
