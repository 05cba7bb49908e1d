import { parseFeedDate } from '@podctl/domain/feed/date.ts';

/** What tells two representations of one URL apart, byte by byte. */
export type Validator =
  | { readonly kind: 'etag'; readonly value: string }
  | { readonly kind: 'modified'; readonly value: string };

export interface ValidatorHeaders {
  readonly etag: string | null;
  readonly lastModified: string | null;
  readonly date: string | null;
}

/** RFC 9110, 8.8.2.2: "enough difference" that the clocks of the two headers do not matter. */
const MODIFIED_BEFORE_DATE_MS = 60_000;
const LENGTH_MAX = 256;
const strongTag = /^"[\x21\x23-\x7e\x80-\xff]*"$/;

/**
 * The strong validator of an answer, by which a part of it may be completed (RFC 9110, 13.1.5); null when it has none: a
 * weak ETag says nothing about bytes, and Last-Modified only when it is well before the answer's own Date.
 */
export function strongValidator(
  { etag, lastModified, date }: ValidatorHeaders,
  nowMs: number,
): Validator | null {
  if (etag !== null) {
    const value = etag.trim();
    return strongTag.test(value) && value.length <= LENGTH_MAX ? { kind: 'etag', value } : null;
  }
  if (lastModified === null || date === null || lastModified.length > LENGTH_MAX) return null;
  const [modifiedMs, dateMs] = [parseFeedDate(lastModified, nowMs), parseFeedDate(date, nowMs)];
  if (modifiedMs === null || dateMs === null) return null;
  if (dateMs - modifiedMs < MODIFIED_BEFORE_DATE_MS) return null;
  return { kind: 'modified', value: lastModified.trim() };
}

/** Whether an answer is of the representation that the validator names. An answer without the header does not say. */
export function saysSame(validator: Validator, headers: ValidatorHeaders): boolean | null {
  const found = validator.kind === 'etag' ? headers.etag : headers.lastModified;
  return found === null ? null : found.trim() === validator.value;
}
