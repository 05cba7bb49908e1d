import { err, ok, type Result } from '@podctl/domain/result.ts';
import type {
  SearchHit,
  SearchTranscriptsRequest,
  SearchTranscriptsResponse,
} from '@podctl/proto/podctl/v1/transcript.ts';
import { parseSearchQuery } from '../core/search-query.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { Fleet } from '../shell/fleet.ts';
import type { TranscriptSearch } from '../shell/transcript-index.ts';
import type { IndexSearch } from '../shell/transcript-index-file.ts';
import { IndexError } from '../shell/transcript-index-thread.ts';
import type { SnippetHit } from '../shell/transcript-index-worker.ts';
import { feedsAsked } from './feeds-asked.ts';
import type { Failure } from './status.ts';
import { dateOf } from './time-map.ts';

const PAGE_SIZE = 20;
/** Each hit's text is read and marked. */
const PAGE_SIZE_MAX = 100;

/** Answers from this coordinator's own index. */
export async function searchTranscripts(
  fleet: Fleet,
  search: TranscriptSearch | null,
  request: SearchTranscriptsRequest,
  signal: AbortSignal,
): Promise<Result<SearchTranscriptsResponse, Failure>> {
  if (search === null)
    return err({ kind: 'unimplemented', message: 'this coordinator keeps no search index' });
  const { snapshot } = fleet.picture();
  const asked = searchOf(snapshot, request);
  if (!asked.ok) return asked;
  try {
    const { hits, after } = await search.search(asked.value, signal);
    const { indexed, behind } = search.status();
    return ok({
      hits: hits.map((hit) => hitMessage(snapshot, hit)),
      nextPageToken: after === null ? '' : tokenOf(after),
      indexedEpisodes: BigInt(indexed),
      behindEpisodes: BigInt(behind),
    });
  } catch (error) {
    if (error instanceof IndexError) return err(failureOfIndex(error));
    throw error;
  }
}

function searchOf(
  snapshot: Snapshot,
  { query, feedId, since, pageSize, pageToken }: SearchTranscriptsRequest,
): Result<IndexSearch, Failure> {
  const parsed = parseSearchQuery(query);
  if (!parsed.ok) return err({ kind: 'invalid', field: 'query', message: parsed.error });
  if (pageSize > PAGE_SIZE_MAX)
    return err({
      kind: 'invalid',
      field: 'page_size',
      message: `page_size is ${pageSize}`,
      hint: `give 1 to ${PAGE_SIZE_MAX}, or 0 for ${PAGE_SIZE}`,
    });
  const after = afterOf(pageToken);
  if (!after.ok) return after;
  const feeds = feedId === '' ? ok([]) : feedsAsked(snapshot, feedId);
  if (!feeds.ok) return feeds;
  return ok({
    query: parsed.value,
    feed: feeds.value[0]?.id ?? null,
    sinceMs: since?.getTime() ?? null,
    limit: pageSize === 0 ? PAGE_SIZE : pageSize,
    after: after.value,
  });
}

/** A token is the last hit's row: it holds no state, and survives a restart, though not another coordinator. */
function tokenOf(after: number): string {
  return Buffer.from(`s${after}`, 'utf8').toString('base64url');
}

function afterOf(token: string): Result<number | null, Failure> {
  if (token === '') return ok(null);
  const text = Buffer.from(token, 'base64url').toString('utf8');
  const after = /^s\d{1,15}$/.test(text) ? Number(text.slice(1)) : Number.NaN;
  if (Number.isSafeInteger(after) && tokenOf(after) === token) return ok(after);
  return err({
    kind: 'invalid',
    reason: 'PAGE_TOKEN_UNKNOWN',
    field: 'page_token',
    message: 'page_token is none that this coordinator gave',
    hint: 'begin again without one',
  });
}

function hitMessage(snapshot: Snapshot, hit: SnippetHit): SearchHit {
  const feed = snapshot.feeds.get(hit.feed as Parameters<typeof snapshot.feeds.get>[0]);
  return {
    feedId: hit.feed,
    feedTitle: feed?.record?.title ?? hit.feed,
    episodeId: hit.episode,
    title: hit.title,
    publishedAt: dateOf(hit.publishedMs),
    startSeconds: hit.startMs / 1_000,
    snippet: hit.parts.map(({ text, isMatch }) => ({ text, matched: isMatch })),
  };
}

function failureOfIndex({ problem, message }: IndexError): Failure {
  switch (problem) {
    case 'slow':
      return {
        kind: 'exhausted',
        message: `the search was given up, as ${message}`,
        hint: 'give rarer words, a feed_id, or a later since',
      };
    case 'busy':
      return {
        kind: 'exhausted',
        message: 'too many searches wait',
        hint: 'try again in a few seconds',
      };
    case 'damaged':
    case 'other':
    case 'failed':
      return {
        kind: 'unavailable',
        message: `the search index cannot be read now (${message})`,
        hint: 'try again in a minute',
      };
    case 'stopped':
      return {
        kind: 'unavailable',
        message: 'the search index is being opened or closed',
        hint: 'try again in a few seconds',
      };
  }
}
