import { randomUUID } from 'node:crypto';
import {
  type CallOptions,
  type Client,
  type ClientReadableStream,
  type ClientUnaryCall,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import type {
  CreateJoinTokenRequest,
  CreateJoinTokenResponse,
  CreateUserRequest,
  CreateUserResponse,
  ListJoinTokensResponse,
  ListUsersResponse,
  RevokeAgentResponse,
  WhoAmIResponse,
} from '@podctl/proto/podctl/v1/access.ts';
import type { Agent, ListAgentsResponse } from '@podctl/proto/podctl/v1/agent.ts';
import type { CreateBackupResponse } from '@podctl/proto/podctl/v1/backup.ts';
import type {
  Episode,
  EpisodeFilter,
  ListEpisodesResponse,
} from '@podctl/proto/podctl/v1/episode.ts';
import type {
  AddFeedsResponse,
  FeedFilter,
  ListFeedsResponse,
  NewFeed,
} from '@podctl/proto/podctl/v1/feed.ts';
import type {
  GetDiagnosisResponse,
  GetServerInfoResponse,
  Overview,
  WatchResponse,
} from '@podctl/proto/podctl/v1/fleet.ts';
import type {
  VerifyLibraryRequest,
  VerifyLibraryResponse,
} from '@podctl/proto/podctl/v1/library.ts';
import type {
  ListLocksResponse,
  ReleaseLockRequest,
  ReleaseLockResponse,
} from '@podctl/proto/podctl/v1/lock.ts';
import type { TranscriptFormat } from '@podctl/proto/podctl/v1/transcript.ts';
import { CommandError, EXIT } from './command-error.ts';
import type { Endpoint } from './endpoint.ts';
import { FeedCalls } from './feed-calls.ts';
import { isConnected, Line } from './line.ts';
import { commandErrorOf, isNobodyThere, isServiceError } from './status-map.ts';

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

interface UnaryOptions {
  /** False where the same call twice is not the same as once. */
  readonly isRepeatable: boolean;
}

/** Where there are other addresses, a silent one is not waited for longer than this. */
const CONNECT_MS_MAX = 3_000;

/**
 * Talks to one coordinator of those it was given, and moves on to the next one when that one is gone. Every call
 * rejects with CommandError; every unary call has a deadline for each coordinator that it tries.
 */
export class CoordinatorClient {
  readonly #endpoint: Endpoint;
  readonly #timeoutMs: number;
  readonly #lines: readonly Line[];
  #current = 0;
  /** What changes feeds and episodes. */
  readonly feeds = new FeedCalls((...of) => this.#unary(...of));

  constructor(endpoint: Endpoint, timeoutMs: number) {
    this.#endpoint = endpoint;
    this.#timeoutMs = timeoutMs;
    this.#lines = endpoint.addresses.map((address) => new Line(address, endpoint));
  }

  /** Of the coordinator that is talked to now. */
  get address(): string {
    return this.#line().address;
  }

  /** With `validateOnly` nothing is added: the answer says what would be. */
  addFeeds(feeds: NewFeed[], validateOnly = false): Promise<AddFeedsResponse> {
    return this.#unary(
      ({ feeds: client }) => client,
      (client) => client.addFeeds.bind(client),
      { feeds, validateOnly },
    );
  }

  listFeeds(page: PageRequest, filter?: FeedFilter): Promise<ListFeedsResponse> {
    return this.#unary(
      ({ feeds }) => feeds,
      (client) => client.listFeeds.bind(client),
      { ...page, filter },
    );
  }

  listEpisodes(
    feedId: string,
    page: PageRequest,
    filter?: EpisodeFilter,
  ): Promise<ListEpisodesResponse> {
    return this.#unary(
      ({ episodes }) => episodes,
      (client) => client.listEpisodes.bind(client),
      { feedId, ...page, filter },
    );
  }

  async getEpisode(episodeId: string): Promise<Episode> {
    const { episode } = await this.#unary(
      ({ episodes }) => episodes,
      (client) => client.getEpisode.bind(client),
      { episodeId },
    );
    return present(episode, `episode ${episodeId}`);
  }

  listAgents(page: PageRequest): Promise<ListAgentsResponse> {
    return this.#unary(
      ({ agents }) => agents,
      (client) => client.listAgents.bind(client),
      page,
    );
  }

  async getAgent(agentId: string): Promise<Agent> {
    const { agent } = await this.#unary(
      ({ agents }) => agents,
      (client) => client.getAgent.bind(client),
      { agentId },
    );
    return present(agent, `agent ${agentId}`);
  }

  listLocks(page: PageRequest): Promise<ListLocksResponse> {
    return this.#unary(
      ({ locks }) => locks,
      (client) => client.listLocks.bind(client),
      page,
    );
  }

  /** `token` 0n: whichever holds it now. */
  releaseLock(request: ReleaseLockRequest): Promise<ReleaseLockResponse> {
    return this.#unary(
      ({ locks }) => locks,
      (client) => client.releaseLock.bind(client),
      request,
      // Whichever holds it now may be another one at the second time.
      { isRepeatable: request.token !== 0n },
    );
  }

  /** Progress and findings as they come, then the summary. */
  verifyLibrary(
    request: VerifyLibraryRequest,
    signal: AbortSignal,
  ): AsyncGenerator<VerifyLibraryResponse> {
    return this.#stream(({ library }) => library.verifyLibrary(request), signal);
  }

  /** A backup in pieces, then its summary. */
  createBackup(signal: AbortSignal): AsyncGenerator<CreateBackupResponse> {
    return this.#stream(({ backups }) => backups.createBackup({}), signal);
  }

  /** Not repeated: another one would be made, which nobody has. */
  createJoinToken(request: CreateJoinTokenRequest): Promise<CreateJoinTokenResponse> {
    return this.#unary(accessOf, (client) => client.createJoinToken.bind(client), request, {
      isRepeatable: false,
    });
  }

  listJoinTokens(page: PageRequest): Promise<ListJoinTokensResponse> {
    return this.#unary(accessOf, (client) => client.listJoinTokens.bind(client), page);
  }

  async revokeJoinToken(tokenId: string): Promise<void> {
    await this.#unary(accessOf, (client) => client.revokeJoinToken.bind(client), { tokenId });
  }

  revokeAgent(agentId: string): Promise<RevokeAgentResponse> {
    return this.#unary(accessOf, (client) => client.revokeAgent.bind(client), { agentId });
  }

  /** Not repeated: the name would be taken, by somebody whose token nobody has. */
  createUser(request: CreateUserRequest): Promise<CreateUserResponse> {
    return this.#unary(accessOf, (client) => client.createUser.bind(client), request, {
      isRepeatable: false,
    });
  }

  listUsers(page: PageRequest): Promise<ListUsersResponse> {
    return this.#unary(accessOf, (client) => client.listUsers.bind(client), page);
  }

  async revokeUser(name: string): Promise<void> {
    await this.#unary(accessOf, (client) => client.revokeUser.bind(client), { name });
  }

  whoAmI(): Promise<WhoAmIResponse> {
    return this.#unary(accessOf, (client) => client.whoAmI.bind(client), {});
  }

  serverInfo(): Promise<GetServerInfoResponse> {
    return this.#unary(
      ({ fleet }) => fleet,
      (client) => client.getServerInfo.bind(client),
      {},
    );
  }

  async overview(): Promise<Overview> {
    const { overview } = await this.#unary(
      ({ fleet }) => fleet,
      (client) => client.getOverview.bind(client),
      {
        minRevision: 0n,
      },
    );
    return present(overview, 'the totals');
  }

  /** What the coordinator sees around it. */
  diagnosis(): Promise<GetDiagnosisResponse> {
    return this.#unary(
      ({ fleet }) => fleet,
      (client) => client.getDiagnosis.bind(client),
      {},
    );
  }

  /** A snapshot, then deltas, until the signal or the server ends it. The caller checks the sequence. */
  watch(intervalMs: number, signal: AbortSignal): AsyncGenerator<WatchResponse> {
    return this.#stream(({ fleet }) => fleet.watch({ intervalMs }), signal);
  }

  /** The pieces of a transcript, in order. The whole of it must come within the time limit. */
  async *transcript(episodeId: string, format: TranscriptFormat): AsyncGenerator<Uint8Array> {
    const deadline = Date.now() + this.#timeoutMs;
    const call = ({ transcripts }: Line) =>
      transcripts.getTranscript({ episodeId, format }, new Metadata(), { deadline });
    for await (const piece of this.#stream(call, new AbortController().signal)) yield piece.data;
  }

  close(): void {
    for (const line of this.#lines) line.close();
  }

  #line(): Line {
    const line = this.#lines[this.#current];
    if (line === undefined) throw new Error('broken invariant: an endpoint has an address');
    return line;
  }

  #moveOn(): void {
    this.#current = (this.#current + 1) % this.#lines.length;
  }

  async #unary<C extends Client, Request, Response>(
    serviceOf: (line: Line) => C,
    methodOf: (service: C) => Unary<Request, Response>,
    request: Request,
    options: UnaryOptions = { isRepeatable: true },
  ): Promise<Response> {
    // One for all coordinators that are asked: the same may come twice, and counts once.
    const key = randomUUID();
    for (let left = this.#lines.length - 1; ; left -= 1) {
      const service = serviceOf(this.#line());
      const wasConnected = isConnected(service);
      const patienceMs = left > 0 && !wasConnected ? CONNECT_MS_MAX : this.#timeoutMs;
      const timeoutMs = Math.min(patienceMs, this.#timeoutMs);
      const answer = await once(methodOf(service), request, key, timeoutMs);
      if (answer.kind === 'response') return answer.response;
      const wasSent = wasConnected || isConnected(service);
      if (left === 0 || !isGone(answer.error, wasSent, options))
        throw commandErrorOf(answer.error, this.#endpoint, timeoutMs);
      this.#moveOn();
    }
  }

  async *#stream<Response>(
    open: (line: Line) => ClientReadableStream<Response>,
    signal: AbortSignal,
  ): AsyncGenerator<Response> {
    signal.throwIfAborted();
    const call = open(this.#line());
    const cancel = () => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      for await (const message of call) yield message as Response;
    } catch (error) {
      // Whoever opens it again has better chances with another one.
      this.#moveOn();
      signal.throwIfAborted();
      if (!isServiceError(error)) throw error;
      throw commandErrorOf(error, this.#endpoint, this.#timeoutMs);
    } finally {
      signal.removeEventListener('abort', cancel);
      call.cancel();
    }
  }
}

const accessOf = ({ access }: Line) => access;

/** Whether another coordinator may be asked the same: this one cannot have done it, or doing it twice does no harm. */
function isGone(error: ServiceError, wasSent: boolean, { isRepeatable }: UnaryOptions): boolean {
  if (error.code === status.UNAVAILABLE) return isRepeatable || isNobodyThere(error);
  return error.code === status.DEADLINE_EXCEEDED && !wasSent;
}

type Answer<Response> =
  | { readonly kind: 'response'; readonly response: Response }
  | { readonly kind: 'error'; readonly error: ServiceError };

function once<Request, Response>(
  method: Unary<Request, Response>,
  request: Request,
  key: string,
  timeoutMs: number,
): Promise<Answer<Response>> {
  return new Promise((resolve) => {
    const deadline = Date.now() + timeoutMs;
    const metadata = new Metadata();
    metadata.set('idempotency-key', key);
    method(request, metadata, { deadline }, (error, response) => {
      resolve(error === null ? { kind: 'response', response } : { kind: 'error', error });
    });
  });
}

function present<T>(value: T | undefined, what: string): T {
  if (value !== undefined) return value;
  throw new CommandError(
    EXIT.failed,
    `the coordinator answered without ${what}; "podctl version" shows whether it fits this command`,
  );
}
