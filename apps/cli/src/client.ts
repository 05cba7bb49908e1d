import {
  type CallOptions,
  type Client,
  type ClientReadableStream,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { AgentServiceClient, type ListAgentsResponse } from '@podctl/proto/podctl/v1/agent.ts';
import {
  type Episode,
  EpisodeServiceClient,
  type ListEpisodesResponse,
} from '@podctl/proto/podctl/v1/episode.ts';
import {
  type AddFeedsResponse,
  FeedServiceClient,
  type ListFeedsResponse,
  type NewFeed,
} from '@podctl/proto/podctl/v1/feed.ts';
import {
  FleetServiceClient,
  type GetServerInfoResponse,
  type Overview,
  type WatchResponse,
} from '@podctl/proto/podctl/v1/fleet.ts';
import { type ListLocksResponse, LockServiceClient } from '@podctl/proto/podctl/v1/lock.ts';
import {
  type TranscriptFormat,
  TranscriptServiceClient,
} from '@podctl/proto/podctl/v1/transcript.ts';
import { CommandError, EXIT } from './command-error.ts';
import type { Endpoint } from './endpoint.ts';
import { commandErrorOf, isServiceError } from './status-map.ts';

export interface PageRequest {
  /** 1 to 1,000; 0 means 1,000. */
  readonly pageSize: number;
  /** Empty to begin. */
  readonly pageToken: string;
}

type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

// A ping each 30 s, only while a call is open: a dead peer is noticed, and no server takes it for abuse.
const channelOptions = {
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 0,
  'grpc.max_receive_message_length': 256 * 1024 * 1024,
};

/** Talks to one coordinator. Every call rejects with CommandError; every unary call has a deadline. */
export class CoordinatorClient {
  readonly #endpoint: Endpoint;
  readonly #timeoutMs: number;
  readonly #feeds: FeedServiceClient;
  readonly #episodes: EpisodeServiceClient;
  readonly #agents: AgentServiceClient;
  readonly #locks: LockServiceClient;
  readonly #fleet: FleetServiceClient;
  readonly #transcripts: TranscriptServiceClient;

  constructor(endpoint: Endpoint, timeoutMs: number) {
    this.#endpoint = endpoint;
    this.#timeoutMs = timeoutMs;
    const plain = credentials.createInsecure();
    this.#feeds = new FeedServiceClient(endpoint.address, plain, channelOptions);
    this.#episodes = new EpisodeServiceClient(endpoint.address, plain, channelOptions);
    this.#agents = new AgentServiceClient(endpoint.address, plain, channelOptions);
    this.#locks = new LockServiceClient(endpoint.address, plain, channelOptions);
    this.#fleet = new FleetServiceClient(endpoint.address, plain, channelOptions);
    this.#transcripts = new TranscriptServiceClient(endpoint.address, plain, channelOptions);
  }

  get address(): string {
    return this.#endpoint.address;
  }

  addFeeds(feeds: NewFeed[]): Promise<AddFeedsResponse> {
    return this.#unary(this.#feeds.addFeeds.bind(this.#feeds), { feeds });
  }

  listFeeds(page: PageRequest): Promise<ListFeedsResponse> {
    return this.#unary(this.#feeds.listFeeds.bind(this.#feeds), page);
  }

  listEpisodes(feedId: string, page: PageRequest): Promise<ListEpisodesResponse> {
    return this.#unary(this.#episodes.listEpisodes.bind(this.#episodes), { feedId, ...page });
  }

  async getEpisode(episodeId: string): Promise<Episode> {
    const { episode } = await this.#unary(this.#episodes.getEpisode.bind(this.#episodes), {
      episodeId,
    });
    return present(episode, `episode ${episodeId}`);
  }

  listAgents(page: PageRequest): Promise<ListAgentsResponse> {
    return this.#unary(this.#agents.listAgents.bind(this.#agents), page);
  }

  listLocks(page: PageRequest): Promise<ListLocksResponse> {
    return this.#unary(this.#locks.listLocks.bind(this.#locks), page);
  }

  serverInfo(): Promise<GetServerInfoResponse> {
    return this.#unary(this.#fleet.getServerInfo.bind(this.#fleet), {});
  }

  async overview(): Promise<Overview> {
    const { overview } = await this.#unary(this.#fleet.getOverview.bind(this.#fleet), {
      minRevision: 0n,
    });
    return present(overview, 'the totals');
  }

  /** A snapshot, then deltas, until the signal or the server ends it. The caller checks the sequence. */
  watch(intervalMs: number, signal: AbortSignal): AsyncGenerator<WatchResponse> {
    return this.#stream(() => this.#fleet.watch({ intervalMs }), signal);
  }

  /** The pieces of a transcript, in order. The whole of it must come within the time limit. */
  async *transcript(episodeId: string, format: TranscriptFormat): AsyncGenerator<Uint8Array> {
    const deadline = Date.now() + this.#timeoutMs;
    const call = () =>
      this.#transcripts.getTranscript({ episodeId, format }, new Metadata(), { deadline });
    for await (const piece of this.#stream(call, new AbortController().signal)) yield piece.data;
  }

  close(): void {
    for (const client of this.#clients()) client.close();
  }

  #clients(): readonly Client[] {
    return [this.#feeds, this.#episodes, this.#agents, this.#locks, this.#fleet, this.#transcripts];
  }

  #unary<Request, Response>(method: Unary<Request, Response>, request: Request): Promise<Response> {
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + this.#timeoutMs;
      method(request, new Metadata(), { deadline }, (error, response) => {
        if (error === null) resolve(response);
        else reject(commandErrorOf(error, this.#endpoint, this.#timeoutMs));
      });
    });
  }

  async *#stream<Response>(
    open: () => ClientReadableStream<Response>,
    signal: AbortSignal,
  ): AsyncGenerator<Response> {
    signal.throwIfAborted();
    const call = open();
    const cancel = () => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      for await (const message of call) yield message as Response;
    } catch (error) {
      signal.throwIfAborted();
      if (!isServiceError(error)) throw error;
      throw commandErrorOf(error, this.#endpoint, this.#timeoutMs);
    } finally {
      signal.removeEventListener('abort', cancel);
      call.cancel();
    }
  }
}

function present<T>(value: T | undefined, what: string): T {
  if (value !== undefined) return value;
  throw new CommandError(
    EXIT.failed,
    `the coordinator answered without ${what}; "podctl version" shows whether it fits this command`,
  );
}
