import type { FeedDocument } from '@podctl/domain/feed/feed-document.ts';
import type { BreakOff } from '@podctl/domain/feed-record.ts';
import { dayOf } from '@podctl/domain/library-path.ts';

/** So long apart two readings of a break must be: a truncated copy in somebody's cache is gone by then. */
export const BREAK_SETTLES_MS = 60 * 60_000;

/** Names where a document breaks off: what it lists first and last, and how much. */
export function breakText({ items, itemsSeen }: FeedDocument): string {
  return JSON.stringify([itemsSeen, items.length, items[0]?.key, items.at(-1)?.key]);
}

/**
 * A document without its end is a part, by which nothing vanishes and nobody may say "unchanged". Some hosts never send the end:
 * read twice in a row with the same break, an hour apart at least, it counts as all that the feed lists. A later document
 * that goes on brings back what was taken for vanished by it.
 *
 * @param before where the last document broke off; absent: it did not.
 * @param mark of `breakText`.
 */
export function settledDocument(
  document: FeedDocument,
  before: BreakOff | undefined,
  mark: string,
  nowMs: number,
): { readonly document: FeedDocument; readonly brokeOff?: BreakOff | undefined } {
  if (document.breaksOff !== true) return { document };
  const isSame = before?.mark === mark && before.sinceMs <= nowMs;
  const brokeOff = isSame ? before : { mark, sinceMs: nowMs };
  if (nowMs - brokeOff.sinceMs < BREAK_SETTLES_MS) return { document, brokeOff };
  const since = dayOf(brokeOff.sinceMs) ?? 'long ago';
  const message = `it has broken off at the same place since ${since}: what it lists counts as all of it`;
  const told = { kind: 'repaired', message, count: 1, place: null } as const;
  const problems = [...document.problems, told];
  return { document: { ...document, isPartial: false, problems }, brokeOff };
}
