import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { Failure } from './status.ts';

const PAGE_SIZE_MAX = 1_000;

/** Ids hold nothing that sorts before it, so that the order of joined keys is the order of their parts. */
const JOINT = '!';
/** Of ids, and of names of hosts. */
const keyPattern = /^[a-z0-9!_.:[\]-]{1,253}$/;

export interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
}

export interface Page {
  readonly size: number;
  /** The last key of the page before; empty at the beginning, which every key comes after. */
  readonly after: string;
}

/** A token is the last key given, in base64url: it holds no state here, and survives a restart and another coordinator. */
export function pageOf({ pageSize, pageToken }: PageRequest): Result<Page, Failure> {
  if (pageSize > PAGE_SIZE_MAX)
    return err({
      kind: 'invalid',
      field: 'page_size',
      message: `page_size is ${pageSize}`,
      hint: `give 1 to ${PAGE_SIZE_MAX}, or 0 for ${PAGE_SIZE_MAX}`,
    });
  const after = Buffer.from(pageToken, 'base64url').toString('utf8');
  if (pageToken !== '' && (!keyPattern.test(after) || tokenOf(after) !== pageToken))
    return err({
      kind: 'invalid',
      reason: 'PAGE_TOKEN_UNKNOWN',
      field: 'page_token',
      message: 'page_token is none that this coordinator gave',
      hint: 'begin again without one',
    });
  return ok({ size: pageSize === 0 ? PAGE_SIZE_MAX : pageSize, after });
}

/** A key of several ids, in the order in which they sort. */
export function joinedKey(...ids: readonly string[]): string {
  return ids.join(JOINT);
}

/** The first id of a page's last key; empty at the beginning. */
export function firstId(page: Page): string {
  return page.after.split(JOINT, 1)[0] ?? '';
}

/** Takes one page from items that come in order of their keys. Empty token: nothing follows. */
export function takePage<T>(
  sorted: Iterable<T>,
  keyOf: (item: T) => string,
  { size, after }: Page,
): { readonly items: T[]; readonly nextPageToken: string } {
  const items: T[] = [];
  let lastKey = '';
  for (const item of sorted) {
    const key = keyOf(item);
    if (key <= after) continue;
    if (items.length === size) return { items, nextPageToken: tokenOf(lastKey) };
    items.push(item);
    lastKey = key;
  }
  return { items, nextPageToken: '' };
}

/** @param key the last one of a page. */
export function tokenOf(key: string): string {
  return Buffer.from(key, 'utf8').toString('base64url');
}
