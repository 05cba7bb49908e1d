import { feedId } from '@podctl/domain/ids.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import {
  type EpisodeServiceServer,
  EpisodeServiceService,
  type GetEpisodeRequest,
  type GetEpisodeResponse,
  type ListEpisodesRequest,
  type ListEpisodesResponse,
} from '@podctl/proto/podctl/v1/episode.ts';
import type { EpisodeRow, FeedRow, Snapshot } from '../core/snapshot.ts';
import type { Fleet } from '../shell/fleet.ts';
import { hintFrom } from './did-you-mean.ts';
import { findEpisode } from './episode-finder.ts';
import { episodeMessage } from './episode-map.ts';
import type { Handlers } from './handler.ts';
import { firstId, joinedKey, pageOf, takePage } from './page.ts';
import type { Failure } from './status.ts';

export const episodeServiceDefinition = EpisodeServiceService;

export function episodeService(fleet: Fleet, handlers: Handlers): EpisodeServiceServer {
  return {
    listEpisodes: handlers.unary('ListEpisodes', async (request) => listEpisodes(fleet, request)),
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
  const { items, nextPageToken } = takePage(
    episodesFrom(feeds.value, firstId(page.value)),
    ({ feed, episode }) => joinedKey(feed, episode),
    page.value,
  );
  return ok({ episodes: items.map((row) => episodeMessage(picture, row, null)), nextPageToken });
}

function feedsAsked(snapshot: Snapshot, asked: string): Result<FeedRow[], Failure> {
  if (asked === '') return ok([...snapshot.feeds.values()].sort((a, b) => (a.id < b.id ? -1 : 1)));
  const id = feedId(asked);
  // Its own words would quote what was sent.
  if (!id.ok)
    return err({
      kind: 'invalid',
      field: 'feed_id',
      message: 'feed_id is no feed id',
      hint: 'give 1 to 48 of a-z, 0-9 and inner hyphens',
    });
  const row = snapshot.feeds.get(id.value);
  if (row !== undefined) return ok([row]);
  return err({
    kind: 'not_found',
    reason: 'FEED_NOT_FOUND',
    message: `no feed has the id "${asked}"`,
    hint: hintFrom(id.value, snapshot.feeds.keys(), 'podctl feed list shows them'),
  });
}

/** Sorts one feed at a time, and none that the page has passed: a page of a million episodes must not sort them all. */
function* episodesFrom(sorted: readonly FeedRow[], first: string): Generator<EpisodeRow> {
  for (const feed of sorted) {
    if (feed.id < first) continue;
    yield* [...feed.episodes.values()].sort((a, b) => (a.episode < b.episode ? -1 : 1));
  }
}

async function getEpisode(
  fleet: Fleet,
  { episodeId }: GetEpisodeRequest,
): Promise<Result<GetEpisodeResponse, Failure>> {
  const found = findEpisode(fleet.picture().snapshot, episodeId);
  if (!found.ok) return found;
  const { feed, episode } = found.value;
  const [meta, download, transcribe] = await Promise.all([
    fleet.meta(feed, episode),
    fleet.acceptedFiles(feed, episode, 'download'),
    fleet.acceptedFiles(feed, episode, 'transcribe'),
  ]);
  // Read anew: what was looked up may be older than the files that came meanwhile.
  const picture = fleet.picture();
  const row = picture.snapshot.feeds.get(feed)?.episodes.get(episode) ?? found.value;
  const readablePaths = [...download, ...transcribe].map(({ readablePath }) => readablePath);
  const detail = { meta, files: { download, transcribe }, readablePaths };
  return ok({ episode: episodeMessage(picture, row, detail) });
}
