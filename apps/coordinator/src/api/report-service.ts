import { keptRun } from '@podctl/domain/episode-state.ts';
import type { EpisodeId } from '@podctl/domain/ids.ts';
import { ok, type Result } from '@podctl/domain/result.ts';
import {
  type FeedCompleteness,
  type ListCompletenessRequest,
  type ListCompletenessResponse,
  type ListMissingEpisodesRequest,
  type ListMissingEpisodesResponse,
  type MissingEpisode,
  type ReportServiceServer,
  ReportServiceService,
} from '@podctl/proto/podctl/v1/report.ts';
import { completenessOf, isMissing, reasonOf } from '../core/completeness.ts';
import type { EpisodeRow, FeedRow } from '../core/snapshot.ts';
import type { Fleet } from '../shell/fleet.ts';
import { findFeed } from './feed-finder.ts';
import { feedsAsked } from './feeds-asked.ts';
import type { Handlers } from './handler.ts';
import { type Page, pageOf, takePage } from './page.ts';
import type { Failure } from './status.ts';
import { dateOf } from './time-map.ts';
import { vanishedSince } from './vanished-since.ts';

export const reportServiceDefinition = ReportServiceService;

export function reportService(fleet: Fleet, handlers: Handlers): ReportServiceServer {
  return {
    listCompleteness: handlers.unary('ListCompleteness', async (request) =>
      listCompleteness(fleet, request),
    ),
    listMissingEpisodes: handlers.unary('ListMissingEpisodes', (request) =>
      listMissing(fleet, request),
    ),
  };
}

function listCompleteness(
  fleet: Fleet,
  request: ListCompletenessRequest,
): Result<ListCompletenessResponse, Failure> {
  const page = pageOf(request);
  if (!page.ok) return page;
  const feeds = feedsAsked(fleet.picture().snapshot, request.feedId);
  if (!feeds.ok) return feeds;
  const { items, nextPageToken } = takePage(feeds.value, ({ id }) => id, page.value);
  return ok({ feeds: items.map(completenessMessage), nextPageToken });
}

function completenessMessage(row: FeedRow): FeedCompleteness {
  const { record, id } = row;
  return {
    feedId: id,
    title: record?.title ?? '',
    ...completenessOf(row),
    lastSuccessAt: dateOf(record?.lastSuccessMs ?? null),
    problem: record?.problem ?? '',
  };
}

async function listMissing(
  fleet: Fleet,
  request: ListMissingEpisodesRequest,
): Promise<Result<ListMissingEpisodesResponse, Failure>> {
  const page = pageOf(request);
  if (!page.ok) return page;
  const found = findFeed(fleet.picture().snapshot, request.feedId);
  if (!found.ok) return found;
  const missing = await missingOf(found.value.episodes.values(), page.value);
  const { items, nextPageToken } = takePage(missing, ({ episode }) => episode, page.value);
  const vanished = await vanishedSince(fleet, found.value);
  const told: MissingEpisode[] = [];
  for (let i = 0; i < items.length; i += METAS_AT_ONCE) {
    const some = items.slice(i, i + METAS_AT_ONCE);
    told.push(...(await Promise.all(some.map((row) => missingMessage(fleet, row, vanished)))));
  }
  return ok({ episodes: told, nextPageToken });
}

const METAS_AT_ONCE = 64;
/** States that are read before others may run. */
const ROWS_A_BREATH = 500;

/** In the order of their ids, one more than the page has: a feed may have many, and most of them there. */
async function missingOf(rows: Iterable<EpisodeRow>, { size, after }: Page) {
  const sorted = [...rows].filter(({ episode }) => episode > after);
  sorted.sort((a, b) => (a.episode < b.episode ? -1 : 1));
  const missing: EpisodeRow[] = [];
  for (const [n, row] of sorted.entries()) {
    if (missing.length > size) break;
    if (isMissing(row.state)) missing.push(row);
    if (n % ROWS_A_BREATH === ROWS_A_BREATH - 1)
      await new Promise((resolve) => setImmediate(resolve));
  }
  return missing;
}

async function missingMessage(
  fleet: Fleet,
  { feed, episode, state }: EpisodeRow,
  vanished: ReadonlyMap<EpisodeId, number>,
): Promise<MissingEpisode> {
  const meta = await fleet.meta(feed, episode);
  const vanishedS = vanished.get(episode);
  return {
    episodeId: episode,
    title: meta?.title ?? '',
    publishedAt: dateOf(meta?.publishedMs ?? null),
    downloaded: keptRun(state.stages.download) !== null,
    vanishedAt: dateOf(vanishedS === undefined ? null : vanishedS * 1_000),
    reason: reasonOf(state),
  };
}
