import { saysSame, type Validator, type ValidatorHeaders } from './validator.ts';

/** What is asked for: the rest of a part, if it is still a part of what is there. */
export interface RangeWish {
  readonly offsetBytes: number;
  /** Of the whole, as the host said then; null when it did not. */
  readonly totalBytes: number | null;
  readonly validator: Validator;
}

export interface RangeHeaders extends ValidatorHeaders {
  readonly contentRange: string | null;
  readonly contentEncoding: string | null;
}

export interface ContentRange {
  readonly firstBytes: number;
  /** The last byte's place, as the header has it. */
  readonly lastBytes: number;
  /** Null: the host does not know. */
  readonly totalBytes: number | null;
}

/** Null for whatever is no single range of bytes. */
export function parseContentRange(header: string | null): ContentRange | null {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(header?.trim() ?? '');
  if (match === null) return null;
  const [firstBytes, lastBytes] = [Number(match[1]), Number(match[2])];
  const totalBytes = match[3] === '*' ? null : Number(match[3]);
  if (lastBytes < firstBytes || (totalBytes !== null && lastBytes >= totalBytes)) return null;
  return { firstBytes, lastBytes, totalBytes };
}

/**
 * Why a 206 does not complete the part, for the log; null when it does. Hosts that put advertisements into each download
 * serve ranges of another file under one URL: everything that is said must fit, and what must be said must be there.
 */
export function whyNotResume(wish: RangeWish, headers: RangeHeaders): string | null {
  const range = parseContentRange(headers.contentRange);
  if (range === null) return 'its Content-Range cannot be read';
  if (range.firstBytes !== wish.offsetBytes) return 'its Content-Range begins elsewhere';
  if (range.totalBytes === null) return 'it does not say how long the whole is';
  if (range.lastBytes !== range.totalBytes - 1) return 'it has not the whole rest';
  if (wish.totalBytes !== null && range.totalBytes !== wish.totalBytes)
    return 'the whole has another length now';
  if (isEncoded(headers.contentEncoding)) return 'it is encoded now';
  const same = saysSame(wish.validator, headers);
  // RFC 9110, 15.3.7: the ETag must be in a 206 when it would be in a 200; Last-Modified may be left out.
  if (same === false || (same === null && wish.validator.kind === 'etag'))
    return 'it is of another version';
  return null;
}

/** A 206 that nobody asked for is taken when it has everything. Null when it has not. */
export function unaskedWhole(contentRange: string | null): { readonly lengthBytes: number } | null {
  const range = parseContentRange(contentRange);
  if (range === null || range.firstBytes !== 0 || range.totalBytes === null) return null;
  return range.lastBytes === range.totalBytes - 1 ? { lengthBytes: range.totalBytes } : null;
}

export function isEncoded(contentEncoding: string | null): boolean {
  const coding = contentEncoding?.trim().toLowerCase() ?? '';
  return coding !== '' && coding !== 'identity';
}
