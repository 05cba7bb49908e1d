import {
  type ChannelCredentials,
  type ClientOptions,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { SERVER_NAMES } from '@podctl/platform/authority/server-names.ts';
import {
  AccessServiceClient,
  type CreateJoinTokenResponse,
} from '@podctl/proto/podctl/v1/access.ts';
import {
  EpisodeServiceClient,
  type ListEpisodesResponse,
  StageState,
} from '@podctl/proto/podctl/v1/episode.ts';
import { FeedServiceClient } from '@podctl/proto/podctl/v1/feed.ts';
import {
  FleetServiceClient,
  type GetOverviewResponse,
  type Overview,
} from '@podctl/proto/podctl/v1/fleet.ts';
import { Agent, request } from 'undici';

const CALL_MS_MAX = 10_000;
const ASK_MS_MAX = 1_000;
const HOUR_S = 3_600n;
const deadline = (ms: number) => ({ deadline: new Date(Date.now() + ms) });

type Answer<T> = (error: ServiceError | null, answer: T) => void;
interface ServiceClient<C> {
  new (address: string, credentials: ChannelCredentials, options: ClientOptions): C;
}

/** What the test asks coordinators, as an admin of the fleet: gRPC and metrics, over TLS. */
export class Api {
  readonly #ca: string;
  readonly #metadata = new Metadata();
  readonly #https: Agent;

  constructor(ca: string, adminToken: string) {
    this.#ca = ca;
    this.#metadata.set('authorization', `Bearer ${adminToken}`);
    this.#https = new Agent({ connect: { ca } });
  }

  /** False when that coordinator cannot do it now. */
  async addFeed(
    address: string,
    feed: { readonly feedId: string; readonly title: string; readonly url: string },
  ): Promise<boolean> {
    const added = this.#call(FeedServiceClient, address, (client, done) =>
      client.addFeeds({ feeds: [feed] }, this.#metadata, deadline(CALL_MS_MAX), done),
    );
    return added.then(
      () => true,
      () => false,
    );
  }

  /** Null when it does not answer. */
  async overviewOf(address: string): Promise<Overview | null> {
    const asked: Promise<GetOverviewResponse> = this.#call(
      FleetServiceClient,
      address,
      (client, done) =>
        client.getOverview({ minRevision: 0n }, this.#metadata, deadline(ASK_MS_MAX), done),
    );
    return asked.then(
      ({ overview }) => overview ?? null,
      () => null,
    );
  }

  /** The text of one that is good for one agent. */
  async createJoinToken(address: string): Promise<string> {
    const wish = { ttl: { seconds: HOUR_S, nanos: 0 }, usesMax: 1, agentId: '' };
    const made: Promise<CreateJoinTokenResponse> = this.#call(
      AccessServiceClient,
      address,
      (client, done) => client.createJoinToken(wish, this.#metadata, deadline(CALL_MS_MAX), done),
    );
    return (await made).text;
  }

  async revokeAgent(address: string, agentId: string): Promise<void> {
    await this.#call(AccessServiceClient, address, (client, done) =>
      client.revokeAgent({ agentId }, this.#metadata, deadline(CALL_MS_MAX), done),
    );
  }

  /** All samples of a metric added up; null when there is none. */
  async metricOf(url: string, name: string): Promise<number | null> {
    const signal = AbortSignal.timeout(ASK_MS_MAX);
    const text = await request(url, { signal, dispatcher: this.#https }).then(
      ({ body }) => body.text(),
      () => '',
    );
    const samples = text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .map((line) => Number(line.split(' ').at(-1)));
    return samples.length === 0 ? null : samples.reduce((sum, value) => sum + value, 0);
  }

  /** The keys of a feed's episodes of which all stages are shown as done. */
  async doneEpisodes(address: string, feed: string): Promise<Set<string>> {
    const found = new Set<string>();
    let pageToken = '';
    do {
      const of = { feedId: feed, pageSize: 100, pageToken };
      const asked: Promise<ListEpisodesResponse> = this.#call(
        EpisodeServiceClient,
        address,
        (client, done) => client.listEpisodes(of, this.#metadata, deadline(CALL_MS_MAX), done),
      );
      const { episodes, nextPageToken } = await asked;
      for (const { episodeId, stages } of episodes)
        if (stages.every(({ state }) => state === StageState.DONE))
          found.add(`job.${feed}.${episodeId}`);
      pageToken = nextPageToken;
    } while (pageToken !== '');
    return found;
  }

  async close(): Promise<void> {
    await this.#https.destroy();
  }

  /** By a connection of its own: the coordinator may be another process than a moment ago. */
  #call<C extends { close(): void }, T>(
    Client: ServiceClient<C>,
    address: string,
    ask: (client: C, done: Answer<T>) => unknown,
  ): Promise<T> {
    const client = new Client(address, credentials.createSsl(Buffer.from(this.#ca)), {
      'grpc.ssl_target_name_override': SERVER_NAMES.coordinator,
    });
    return new Promise<T>((resolve, reject) => {
      ask(client, (error, answer) => {
        client.close();
        if (error === null) resolve(answer);
        else reject(error);
      });
    });
  }
}
