import { CommandError, EXIT } from '../command-error.ts';
import type { PageRequest } from '../page-request.ts';
import { type ListDocument, listDocument } from './list-document.ts';

const PAGE_SIZE_MAX = 1_000;
const PAGES_MAX = 10_000;

/** Reads pages until `limit` items, or all of them, are there. */
export async function collectPages<T>(
  readPage: (page: PageRequest) => Promise<{ items: readonly T[]; nextPageToken: string }>,
  limit: number | undefined,
  pageToken: string,
): Promise<ListDocument<T>> {
  const items: T[] = [];
  let token = pageToken;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const left = (limit ?? Number.POSITIVE_INFINITY) - items.length;
    const page = await readPage({ pageSize: Math.min(PAGE_SIZE_MAX, left), pageToken: token });
    items.push(...page.items);
    token = page.nextPageToken;
    if (token === '' || items.length >= (limit ?? Number.POSITIVE_INFINITY))
      return listDocument(items, token);
  }
  throw new CommandError(
    EXIT.failed,
    `the list did not end after ${PAGES_MAX} pages; ask for a part of it with --limit`,
  );
}
