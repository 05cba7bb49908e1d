import type { EpisodeMeta } from '@podctl/domain/episode-meta.ts';
import { ok, type Result } from '@podctl/domain/result.ts';
import { byStage, STAGES } from '@podctl/domain/stage.ts';
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
import { dateOf } from './time-map.ts';
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

async function listEpisodes(
  fleet: Fleet,
  request: ListEpisodesRequest,
): Promise<Result<ListEpisodesResponse, Failure>> {
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
  const episodes = items.map((row) => episodeMessage(picture, row, null));
  if (request.withTitles !== true) return ok({ episodes, nextPageToken });
  const metas = await metasOf(fleet, items);
  const titled = episodes.map((episode, i) => {
    const { title = '', publishedMs = null } = metas[i] ?? {};
    return { ...episode, title, publishedAt: dateOf(publishedMs) };
  });
  return ok({ episodes: titled, nextPageToken });
}

/** Reads at once, of a page. */
const METAS_AT_ONCE = 100;

/** In the order of the rows; null where nothing is known. */
async function metasOf(
  fleet: Fleet,
  rows: readonly EpisodeRow[],
): Promise<readonly (EpisodeMeta | null)[]> {
  const metas: (EpisodeMeta | null)[] = [];
  for (let i = 0; i < rows.length; i += METAS_AT_ONCE) {
    const some = rows.slice(i, i + METAS_AT_ONCE);
    metas.push(...(await Promise.all(some.map(({ feed, episode }) => fleet.meta(feed, episode)))));
  }
  return metas;
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
  const [vanished, meta, ...accepted] = await Promise.all([
    feedRow === undefined ? null : vanishedSince(fleet, feedRow),
    fleet.meta(feed, episode),
    ...STAGES.map((stage) => fleet.acceptedFiles(feed, episode, stage)),
  ]);
  // Read anew: what was looked up may be older than the files that came meanwhile.
  const picture = fleet.picture();
  const row = picture.snapshot.feeds.get(feed)?.episodes.get(episode) ?? found.value;
  const readablePaths = accepted.flat().map(({ readablePath }) => readablePath);
  const files = byStage((stage) => accepted[STAGES.indexOf(stage)] ?? []);
  const vanishedS = vanished?.get(episode) ?? null;
  const transcript = await judgedTranscript(fleet.library, row, row.state);
  const detail = { meta, files, readablePaths, vanishedS, transcript };
  return ok({ episode: episodeMessage(picture, row, detail) });
}
