import { credentials, Metadata } from '@grpc/grpc-js';
import {
  EpisodeServiceClient,
  type ListEpisodesResponse,
  StageState,
} from '@podctl/proto/podctl/v1/episode.ts';
import { FeedServiceClient } from '@podctl/proto/podctl/v1/feed.ts';
import { FleetServiceClient, type Overview } from '@podctl/proto/podctl/v1/fleet.ts';

const CALL_MS_MAX = 10_000;
const ASK_MS_MAX = 1_000;
const deadline = (ms: number) => ({ deadline: new Date(Date.now() + ms) });

/** False when that coordinator cannot do it now. */
export function addFeed(
  address: string,
  feed: { readonly feedId: string; readonly title: string; readonly url: string },
): Promise<boolean> {
  const client = new FeedServiceClient(address, credentials.createInsecure());
  return new Promise((resolve) => {
    client.addFeeds({ feeds: [feed] }, new Metadata(), deadline(CALL_MS_MAX), (error) => {
      client.close();
      resolve(error === null);
    });
  });
}

/** Null when it does not answer. */
export function overviewOf(address: string): Promise<Overview | null> {
  const client = new FleetServiceClient(address, credentials.createInsecure());
  return new Promise((resolve) => {
    client.getOverview(
      { minRevision: 0n },
      new Metadata(),
      deadline(ASK_MS_MAX),
      (error, answer) => {
        client.close();
        resolve(error === null ? (answer?.overview ?? null) : null);
      },
    );
  });
}

/** All samples of a metric added up; null when there is none. */
export async function metricOf(url: string, name: string): Promise<number | null> {
  const text = await fetch(url, { signal: AbortSignal.timeout(ASK_MS_MAX) }).then(
    (answer) => answer.text(),
    () => '',
  );
  const samples = text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => Number(line.split(' ').at(-1)));
  return samples.length === 0 ? null : samples.reduce((sum, value) => sum + value, 0);
}

/** The keys of a feed's episodes of which all stages are shown as done. */
export async function doneEpisodes(address: string, feed: string): Promise<Set<string>> {
  const client = new EpisodeServiceClient(address, credentials.createInsecure());
  const found = new Set<string>();
  const page = (pageToken: string) =>
    new Promise<ListEpisodesResponse>((resolve, reject) => {
      const of = { feedId: feed, pageSize: 100, pageToken };
      client.listEpisodes(of, new Metadata(), deadline(CALL_MS_MAX), (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
  try {
    let token = '';
    do {
      const { episodes, nextPageToken } = await page(token);
      for (const { episodeId, stages } of episodes)
        if (stages.every(({ state }) => state === StageState.DONE))
          found.add(`job.${feed}.${episodeId}`);
      token = nextPageToken;
    } while (token !== '');
    return found;
  } finally {
    client.close();
  }
}
