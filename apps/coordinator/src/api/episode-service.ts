import { ok, type Result } from '@podctl/domain/result.ts';
import {
  type EpisodeServiceServer,
  EpisodeServiceService,
  type GetEpisodeRequest,
  type GetEpisodeResponse,
  type ListEpisodesRequest,
  type ListEpisodesResponse,
} from '@podctl/proto/podctl/v1/episode.ts';
import type { EpisodeRow, FeedRow } from '../core/snapshot.ts';
import type { Fleet } from '../shell/fleet.ts';
import { prioritizeEpisodes, retryEpisodes, skipEpisode, skipEpisodes } from './episode-changes.ts';
import { type EpisodeFilter, filterOf } from './episode-filter.ts';
import { findEpisode } from './episode-finder.ts';
import { episodeMessage } from './episode-map.ts';
import { feedsAsked } from './feeds-asked.ts';
import type { Handlers } from './handler.ts';
import { judgedTranscript } from './judged-transcripts.ts';
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
    skipEpisodes: handlers.unary('SkipEpisodes', (request, _signal, { name }) =>
      skipEpisodes(fleet, request, name),
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
  const transcript = await judgedTranscript(fleet.library, row, row.state);
  const detail = { meta, files: { download, transcribe }, readablePaths, vanishedS, transcript };
  return ok({ episode: episodeMessage(picture, row, detail) });
}
