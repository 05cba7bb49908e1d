import { type BookMention, MENTIONS_MAX } from '@podctl/domain/books/book-finder.ts';
import { BOOKS_BYTES_MAX, BOOKS_FILE, readBooks } from '@podctl/domain/books/book-list.ts';
import type { EpisodeMeta } from '@podctl/domain/episode-meta.ts';
import { keptRun } from '@podctl/domain/episode-state.ts';
import { acceptedFolder } from '@podctl/domain/library-path.ts';
import { ok, type Result } from '@podctl/domain/result.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import {
  type BookMention as BookMentionMessage,
  type BookServiceServer,
  BookServiceService,
  type ListBookMentionsRequest,
  type ListBookMentionsResponse,
} from '@podctl/proto/podctl/v1/book.ts';
import type { EpisodeRow, FeedRow } from '../core/snapshot.ts';
import type { Fleet } from '../shell/fleet.ts';
import { feedsAsked } from './feeds-asked.ts';
import type { Handlers } from './handler.ts';
import { firstId, joinedKey, type Page, pageOf, tokenOf } from './page.ts';
import type { Failure } from './status.ts';
import { dateOf } from './time-map.ts';

export const bookServiceDefinition = BookServiceService;

/** Episodes whose list is read in one call: each is a file of the library, and a caller waits for some seconds only. */
const READ_MAX = 256;
const READ_AT_ONCE = 16;
/** Episodes that are looked at in one call, and before others may run. */
const LOOKED_AT_MAX = 50_000;
const LOOKED_AT_A_BREATH = 500;

/**
 * What was recommended where. It is read from the accepted lists: what the state keeps of each score tells which of them have
 * anything in them, so that an archive without books costs no reading.
 */
export function bookService(fleet: Fleet, handlers: Handlers): BookServiceServer {
  return {
    listBookMentions: handlers.unary('ListBookMentions', (request) => listMentions(fleet, request)),
  };
}

interface Listed extends BookMentionMessage {
  readonly key: string;
}

async function listMentions(
  fleet: Fleet,
  request: ListBookMentionsRequest,
): Promise<Result<ListBookMentionsResponse, Failure>> {
  const page = pageOf(request);
  if (!page.ok) return page;
  const feeds = feedsAsked(fleet.picture().snapshot, request.feedId);
  if (!feeds.ok) return feeds;
  const { size } = page.value;
  const sinceMs = request.publishedSince?.getTime() ?? null;
  const { rows, endKey } = await scoredRows(feeds.value, page.value);
  const found: Listed[] = [];
  let unread = 0;
  for (let i = 0; i < rows.length && found.length <= size; i += READ_AT_ONCE) {
    const some = rows.slice(i, i + READ_AT_ONCE);
    const read = await Promise.all(some.map((row) => mentionsOf(fleet, row, sinceMs)));
    unread += read.filter((mentions) => mentions === null).length;
    found.push(...read.flatMap((mentions) => mentions ?? []));
  }
  const after = found.filter(({ key }) => key > page.value.after);
  const items = after.slice(0, size);
  const last = after.length > size ? items.at(-1)?.key : endKey;
  const nextPageToken = last === undefined || last === null ? '' : tokenOf(last);
  return ok({ mentions: items.map(({ key: _, ...mention }) => mention), nextPageToken, unread });
}

/** The next episodes with a book in them, in order; `endKey`: where to go on, null at the end. */
async function scoredRows(
  feeds: readonly FeedRow[],
  page: Page,
): Promise<{ readonly rows: readonly EpisodeRow[]; readonly endKey: string | null }> {
  const rows: EpisodeRow[] = [];
  let lookedAt = 0;
  for (const row of episodesAfter(feeds, page)) {
    if (hasBooks(row)) rows.push(row);
    lookedAt += 1;
    if (rows.length === READ_MAX || lookedAt === LOOKED_AT_MAX)
      return { rows, endKey: keyOf(row, MENTIONS_MAX) };
    if (lookedAt % LOOKED_AT_A_BREATH === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return { rows, endKey: null };
}

/** In the order of their keys, of feeds with any book at all. */
function* episodesAfter(feeds: readonly FeedRow[], page: Page): Generator<EpisodeRow> {
  for (const { id, tally, episodes } of feeds) {
    if (tally.books.weight === 0 || id < firstId(page)) continue;
    const left = [...episodes.values()].filter((row) => keyOf(row, MENTIONS_MAX) > page.after);
    yield* left.sort((a, b) => (a.episode < b.episode ? -1 : 1));
  }
}

function hasBooks({ state }: EpisodeRow): boolean {
  return (keptRun(state.stages.score)?.manifest.figure ?? 0) > 0;
}

/** Null: its list cannot be read. Rejects when the library or NATS is away. */
async function mentionsOf(
  fleet: Fleet,
  row: EpisodeRow,
  sinceMs: number | null,
): Promise<Listed[] | null> {
  const { feed, episode } = row;
  const done = keptRun(row.state.stages.score);
  const meta = await fleet.meta(feed, episode);
  const publishedMs = meta?.publishedMs ?? null;
  if (done === null || (sinceMs !== null && publishedMs !== null && publishedMs < sinceMs))
    return [];
  const folder = acceptedFolder(feed, episode, 'score', done.run, done.token);
  const text = await textOf(fleet, `${folder}/${BOOKS_FILE}`);
  const read = text === null ? null : readBooks(text);
  if (read === null || !read.ok) return null;
  return read.value
    .map((mention, i) => listed(row, meta, mention, i))
    .filter(({ title, author }) => title !== '' || author !== '');
}

async function textOf({ library }: Fleet, path: string): Promise<string | null> {
  try {
    return new TextDecoder().decode(await library.readSmall(path, BOOKS_BYTES_MAX));
  } catch (error) {
    const isOfFile = error instanceof LibraryError && error.code !== 'offline';
    if (isOfFile) return null;
    throw error;
  }
}

function listed(
  row: EpisodeRow,
  meta: EpisodeMeta | null,
  mention: BookMention,
  i: number,
): Listed {
  return {
    key: keyOf(row, i),
    feedId: row.feed,
    episodeId: row.episode,
    episodeTitle: meta?.title ?? '',
    publishedAt: dateOf(meta?.publishedMs ?? null),
    title: mention.title ?? '',
    author: mention.author ?? '',
    startSeconds: mention.startSeconds,
    quote: mention.quote,
    confidenceRatio: mention.confidence,
    recommended: mention.recommended,
  };
}

/** Sorts as they are listed; MENTIONS_MAX is behind all of an episode. */
function keyOf({ feed, episode }: EpisodeRow, i: number): string {
  return joinedKey(feed, episode, String(i).padStart(3, '0'));
}
