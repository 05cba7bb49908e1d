import { ok, type Result } from '@podctl/domain/result.ts';
import {
  type EpisodeServiceServer,
  EpisodeServiceService,
  type GetEpisodeRequest,
  type GetEpisodeResponse,
  type ListEpisodesRequest,
  type ListEpisodesResponse,
} from '@podctl/proto/podctl/v1/episode.ts';
import { type EpisodeRow, type FeedRow, type Snapshot, wantedFeeds } from '../core/snapshot.ts';
import type { Fleet } from '../shell/fleet.ts';
import { prioritizeEpisodes, retryEpisodes, skipEpisode } from './episode-changes.ts';
import { type EpisodeFilter, filterOf } from './episode-filter.ts';
import { findEpisode } from './episode-finder.ts';
import { episodeMessage } from './episode-map.ts';
import { findFeed } from './feed-finder.ts';
import type { Handlers } from './handler.ts';
import { firstId, joinedKey, pageOf, takePage } from './page.ts';
import type { Failure } from './status.ts';
import { vanishedSince } from './vanished-since.ts';

export const episodeServiceDefinition = EpisodeServiceService;

export function episodeService(fleet: Fleet, handlers: Handlers): EpisodeServiceServer {
  return {
    listEpisodes: handlers.unary('ListEpisodes', async (request) => listEpisodes(fleet, request)),
    retryEpisodes: handlers.unary('RetryEpisodes', (request) => retryEpisodes(fleet, request)),
    skipEpisode: handlers.unary('SkipEpisode', (request, _signal, { name }) =>
      skipEpisode(fleet, request, name),
    ),
    prioritizeEpisodes: handlers.unary('PrioritizeEpisodes', (request) =>
      prioritizeEpisodes(fleet, request),
    ),
    getEpisode: handlers.unary('GetEpisode', (request) => getEpisode(fleet, request)),
  };
}

function listEpisodes(
  fleet: Fleet,
  request: ListEpisodesRequest,
): Result<ListEpisodesResponse, Failure> {
  const page = pageOf(request);
  if (!page.ok) return page;
  const picture = fleet.picture();
  const feeds = feedsAsked(picture.snapshot, request.feedId);
  if (!feeds.ok) return feeds;
  const filter = filterOf(request.filter);
  if (!filter.ok) return filter;
  const { items, nextPageToken } = takePage(
    episodesFrom(feeds.value, firstId(page.value), filter.value),
    ({ feed, episode }) => joinedKey(feed, episode),
    page.value,
  );
  return ok({ episodes: items.map((row) => episodeMessage(picture, row, null)), nextPageToken });
}

/** One feed, or all of them in the order of their ids where none is named. */
export function feedsAsked(snapshot: Snapshot, asked: string): Result<FeedRow[], Failure> {
  if (asked === '') return ok(wantedFeeds(snapshot).sort((a, b) => (a.id < b.id ? -1 : 1)));
  const found = findFeed(snapshot, asked);
  return found.ok ? ok([found.value]) : found;
}

/** Sorts one feed at a time, and none that the page has passed: a page of a million episodes must not sort them all. */
function* episodesFrom(
  sorted: readonly FeedRow[],
  first: string,
  filter: EpisodeFilter,
): Generator<EpisodeRow> {
  for (const feed of sorted) {
    if (feed.id < first || !filter.mayBeIn(feed)) continue;
    const rows = [...feed.episodes.values()].sort((a, b) => (a.episode < b.episode ? -1 : 1));
    for (const row of rows) if (filter.holds(row)) yield row;
  }
}

async function getEpisode(
  fleet: Fleet,
  { episodeId }: GetEpisodeRequest,
): Promise<Result<GetEpisodeResponse, Failure>> {
  const found = findEpisode(fleet.picture().snapshot, episodeId);
  if (!found.ok) return found;
  const { feed, episode } = found.value;
  const feedRow = fleet.picture().snapshot.feeds.get(feed);
  const [vanished, meta, download, transcribe] = await Promise.all([
    feedRow === undefined ? null : vanishedSince(fleet, feedRow),
    fleet.meta(feed, episode),
    fleet.acceptedFiles(feed, episode, 'download'),
    fleet.acceptedFiles(feed, episode, 'transcribe'),
  ]);
  // Read anew: what was looked up may be older than the files that came meanwhile.
  const picture = fleet.picture();
  const row = picture.snapshot.feeds.get(feed)?.episodes.get(episode) ?? found.value;
  const readablePaths = [...download, ...transcribe].map(({ readablePath }) => readablePath);
  const vanishedS = vanished?.get(episode) ?? null;
  const detail = { meta, files: { download, transcribe }, readablePaths, vanishedS };
  return ok({ episode: episodeMessage(picture, row, detail) });
}
