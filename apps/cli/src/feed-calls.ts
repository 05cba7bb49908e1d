import type { CallOptions, Client, ClientUnaryCall, Metadata, ServiceError } from '@grpc/grpc-js';
import {
  type PrioritizeEpisodesRequest,
  type PrioritizeEpisodesResponse,
  type RetryEpisodesRequest,
  type RetryEpisodesResponse,
  type SkipEpisodeResponse,
  type SkipEpisodesRequest,
  type SkipEpisodesResponse,
  Stage,
} from '@podctl/proto/podctl/v1/episode.ts';
import type {
  FeedDetail,
  FeedPurge,
  RefreshFeedResponse,
  RemoveFeedResponse,
  RevealFeedUrlsRequest,
  RevealFeedUrlsResponse,
  UpdateFeedRequest,
  UpdateFeedResponse,
} from '@podctl/proto/podctl/v1/feed.ts';
import { CommandError, EXIT } from './command-error.ts';
import type { Line } from './line.ts';

export type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/** Calls one coordinator of those that are known, with a deadline. Rejects with CommandError. */
export type Call = <C extends Client, Request, Response>(
  serviceOf: (line: Line) => C,
  methodOf: (service: C) => Unary<Request, Response>,
  request: Request,
) => Promise<Response>;

/** What of a feed is to be another; what is absent stays. */
export type FeedUpdate = Partial<Omit<UpdateFeedRequest, 'feedId'>>;

/** Which jobs to try again; what is absent chooses nothing. */
export type RetryChoice = Partial<RetryEpisodesRequest>;

/** What can be asked to be changed at feeds and episodes. Each may be asked twice. */
export class FeedCalls {
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  async get(feedId: string): Promise<FeedDetail> {
    const request = { feedId };
    const { feed } = await this.#call(feedsOf, (client) => client.getFeed.bind(client), request);
    if (feed !== undefined) return feed;
    throw new CommandError(EXIT.failed, `the coordinator answered without feed ${feedId}`);
  }

  update(feedId: string, update: FeedUpdate): Promise<UpdateFeedResponse> {
    const request = { setLabels: {}, removeLabels: [], validateOnly: false, ...update, feedId };
    return this.#call(feedsOf, (client) => client.updateFeed.bind(client), request);
  }

  pause(feedId: string): Promise<UpdateFeedResponse> {
    return this.update(feedId, { paused: true });
  }

  resume(feedId: string): Promise<UpdateFeedResponse> {
    return this.update(feedId, { paused: false });
  }

  remove(feedId: string, purge = false): Promise<RemoveFeedResponse> {
    return this.#call(feedsOf, (client) => client.removeFeed.bind(client), { feedId, purge });
  }

  /** What a purge of it would take, or how far one is; undefined of a coordinator that knows none. Also of a removed feed. */
  async removal(feedId: string): Promise<FeedPurge | undefined> {
    const request = { feedId, forRemoval: true };
    return (await this.#call(feedsOf, (client) => client.getFeed.bind(client), request)).purge;
  }

  refresh(feedId: string): Promise<RefreshFeedResponse> {
    return this.#call(feedsOf, (client) => client.refreshFeed.bind(client), { feedId });
  }

  /** With their secrets. */
  revealUrls(page: RevealFeedUrlsRequest): Promise<RevealFeedUrlsResponse> {
    return this.#call(feedsOf, (client) => client.revealFeedUrls.bind(client), page);
  }

  /** One call does a few hundred jobs at most: `left` says how many are to be asked for again. */
  retryEpisodes(choice: RetryChoice): Promise<RetryEpisodesResponse> {
    const request = { ...NOTHING, ...choice };
    return this.#call(episodesOf, (client) => client.retryEpisodes.bind(client), request);
  }

  skipEpisode(episodeId: string): Promise<SkipEpisodeResponse> {
    return this.#call(episodesOf, (client) => client.skipEpisode.bind(client), { episodeId });
  }

  /** One call does a few hundred episodes at most: `left` says how many are to be asked for again. */
  skipEpisodes(choice: SkipEpisodesRequest): Promise<SkipEpisodesResponse> {
    return this.#call(episodesOf, (client) => client.skipEpisodes.bind(client), choice);
  }

  prioritizeEpisodes(
    choice: Partial<PrioritizeEpisodesRequest>,
  ): Promise<PrioritizeEpisodesResponse> {
    const request = { ...NONE, ...choice };
    return this.#call(episodesOf, (client) => client.prioritizeEpisodes.bind(client), request);
  }
}

const NONE: PrioritizeEpisodesRequest = {
  episodeIds: [],
  feedId: '',
  failed: false,
  dead: false,
  validateOnly: false,
};
const NOTHING: RetryEpisodesRequest = { ...NONE, stage: Stage.UNSPECIFIED, model: '' };

const feedsOf = ({ feeds }: Line) => feeds;
const episodesOf = ({ episodes }: Line) => episodes;
