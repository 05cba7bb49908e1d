import { Metadata } from '@grpc/grpc-js';
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
import type {
  Agent,
  CordonAgentResponse,
  DrainAgentRequest,
  DrainAgentResponse,
  ListAgentsResponse,
  UncordonAgentResponse,
} from '@podctl/proto/podctl/v1/agent.ts';
import type { CreateBackupRequest, CreateBackupResponse } from '@podctl/proto/podctl/v1/backup.ts';
import type {
  ListBookMentionsRequest,
  ListBookMentionsResponse,
} from '@podctl/proto/podctl/v1/book.ts';
import type {
  Episode,
  EpisodeFilter,
  ListEpisodesResponse,
} from '@podctl/proto/podctl/v1/episode.ts';
import type {
  FollowEventsRequest,
  FollowEventsResponse,
  ListEventsRequest,
  ListEventsResponse,
} from '@podctl/proto/podctl/v1/event.ts';
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
import type { ListHostsResponse } from '@podctl/proto/podctl/v1/host.ts';
import type {
  CancelJobResponse,
  GetJobLogsRequest,
  GetJobLogsResponse,
  GetJobResponse,
  ListJobsRequest,
  ListJobsResponse,
} from '@podctl/proto/podctl/v1/job.ts';
import type {
  AdoptLibraryRequest,
  AdoptLibraryResponse,
  GetLibraryResponse,
  VerifyLibraryRequest,
  VerifyLibraryResponse,
} from '@podctl/proto/podctl/v1/library.ts';
import type {
  ListLocksResponse,
  ReleaseLockRequest,
  ReleaseLockResponse,
} from '@podctl/proto/podctl/v1/lock.ts';
import type {
  ListCompletenessResponse,
  ListMissingEpisodesResponse,
} from '@podctl/proto/podctl/v1/report.ts';
import type {
  ListTranscriptVersionsResponse,
  SearchTranscriptsRequest,
  SearchTranscriptsResponse,
  TranscriptFormat,
} from '@podctl/proto/podctl/v1/transcript.ts';
import { CommandError, EXIT } from './command-error.ts';
import { CoordinatorCalls } from './coordinator-calls.ts';
import { FeedCalls } from './feed-calls.ts';
import type { Line } from './line.ts';
import type { PageRequest } from './page-request.ts';
import { QualityCalls } from './quality-calls.ts';

/** Every call that there is, as one method. Each rejects with CommandError. */
export class CoordinatorClient extends CoordinatorCalls {
  /** What changes feeds and episodes. */
  readonly feeds = new FeedCalls((...of) => this.unary(...of));
  readonly quality = new QualityCalls((...of) => this.unary(...of));

  /** With `validateOnly` nothing is added: the answer says what would be. */
  addFeeds(feeds: NewFeed[], validateOnly = false): Promise<AddFeedsResponse> {
    return this.unary(
      ({ feeds: client }) => client,
      (client) => client.addFeeds.bind(client),
      { feeds, validateOnly },
    );
  }

  listFeeds(page: PageRequest, filter?: FeedFilter): Promise<ListFeedsResponse> {
    return this.unary(
      ({ feeds }) => feeds,
      (client) => client.listFeeds.bind(client),
      { ...page, filter },
    );
  }

  listEpisodes(
    feedId: string,
    page: PageRequest,
    filter?: EpisodeFilter,
    withTitles = false,
  ): Promise<ListEpisodesResponse> {
    return this.unary(
      ({ episodes }) => episodes,
      (client) => client.listEpisodes.bind(client),
      { feedId, ...page, filter, withTitles },
    );
  }

  async getEpisode(episodeId: string): Promise<Episode> {
    const { episode } = await this.unary(
      ({ episodes }) => episodes,
      (client) => client.getEpisode.bind(client),
      { episodeId },
    );
    return present(episode, `episode ${episodeId}`);
  }

  listAgents(page: PageRequest): Promise<ListAgentsResponse> {
    return this.unary(
      ({ agents }) => agents,
      (client) => client.listAgents.bind(client),
      page,
    );
  }

  async getAgent(agentId: string): Promise<Agent> {
    const { agent } = await this.unary(
      ({ agents }) => agents,
      (client) => client.getAgent.bind(client),
      { agentId },
    );
    return present(agent, `agent ${agentId}`);
  }

  cordonAgent(agentId: string, reason: string): Promise<CordonAgentResponse> {
    const request = { agentId, reason };
    return this.unary(agentsOf, (client) => client.cordonAgent.bind(client), request);
  }

  uncordonAgent(agentId: string): Promise<UncordonAgentResponse> {
    return this.unary(agentsOf, (client) => client.uncordonAgent.bind(client), { agentId });
  }

  /** Said twice, it counts from the second time. */
  drainAgent(request: DrainAgentRequest): Promise<DrainAgentResponse> {
    return this.unary(agentsOf, (client) => client.drainAgent.bind(client), request);
  }

  listHosts(page: PageRequest): Promise<ListHostsResponse> {
    return this.unary(
      ({ hosts }) => hosts,
      (client) => client.listHosts.bind(client),
      page,
    );
  }

  listLocks(page: PageRequest): Promise<ListLocksResponse> {
    return this.unary(
      ({ locks }) => locks,
      (client) => client.listLocks.bind(client),
      page,
    );
  }

  /** `token` 0n: whichever holds it now. */
  releaseLock(request: ReleaseLockRequest): Promise<ReleaseLockResponse> {
    return this.unary(
      ({ locks }) => locks,
      (client) => client.releaseLock.bind(client),
      request,
      // Whichever holds it now may be another one at the second time.
      { isRepeatable: request.token !== 0n },
    );
  }

  listJobs(request: ListJobsRequest): Promise<ListJobsResponse> {
    return this.unary(jobsOf, (client) => client.listJobs.bind(client), request);
  }

  getJob(jobId: string): Promise<GetJobResponse> {
    return this.unary(jobsOf, (client) => client.getJob.bind(client), { jobId });
  }

  cancelJob(jobId: string): Promise<CancelJobResponse> {
    return this.unary(jobsOf, (client) => client.cancelJob.bind(client), { jobId });
  }

  /** Lines as they come; with `follow`, until the job is over or the signal. */
  jobLogs(request: GetJobLogsRequest, signal: AbortSignal): AsyncGenerator<GetJobLogsResponse> {
    return this.stream(({ jobs }) => jobs.getJobLogs(request), signal);
  }

  /** What is taken in and what is left as it comes, then the summary. */
  adoptLibrary(
    request: AdoptLibraryRequest,
    signal: AbortSignal,
  ): AsyncGenerator<AdoptLibraryResponse> {
    return this.stream(({ library }) => library.adoptLibrary(request), signal);
  }

  /** Progress and findings as they come, then the summary. */
  verifyLibrary(
    request: VerifyLibraryRequest,
    signal: AbortSignal,
  ): AsyncGenerator<VerifyLibraryResponse> {
    return this.stream(({ library }) => library.verifyLibrary(request), signal);
  }

  /** Where the library is, and how it is. */
  getLibrary(): Promise<GetLibraryResponse> {
    return this.unary(
      ({ library }) => library,
      (client) => client.getLibrary.bind(client),
      {},
    );
  }

  /** A backup in pieces, then its summary. */
  createBackup(
    request: CreateBackupRequest,
    signal: AbortSignal,
  ): AsyncGenerator<CreateBackupResponse> {
    return this.stream(({ backups }) => backups.createBackup(request), signal);
  }

  /** Not repeated: another one would be made, which nobody has. */
  createJoinToken(request: CreateJoinTokenRequest): Promise<CreateJoinTokenResponse> {
    return this.unary(accessOf, (client) => client.createJoinToken.bind(client), request, {
      isRepeatable: false,
    });
  }

  listJoinTokens(page: PageRequest): Promise<ListJoinTokensResponse> {
    return this.unary(accessOf, (client) => client.listJoinTokens.bind(client), page);
  }

  async revokeJoinToken(tokenId: string): Promise<void> {
    await this.unary(accessOf, (client) => client.revokeJoinToken.bind(client), { tokenId });
  }

  revokeAgent(agentId: string): Promise<RevokeAgentResponse> {
    return this.unary(accessOf, (client) => client.revokeAgent.bind(client), { agentId });
  }

  /** Not repeated: the name would be taken, by somebody whose token nobody has. */
  createUser(request: CreateUserRequest): Promise<CreateUserResponse> {
    return this.unary(accessOf, (client) => client.createUser.bind(client), request, {
      isRepeatable: false,
    });
  }

  listUsers(page: PageRequest): Promise<ListUsersResponse> {
    return this.unary(accessOf, (client) => client.listUsers.bind(client), page);
  }

  async revokeUser(name: string): Promise<void> {
    await this.unary(accessOf, (client) => client.revokeUser.bind(client), { name });
  }

  whoAmI(): Promise<WhoAmIResponse> {
    return this.unary(accessOf, (client) => client.whoAmI.bind(client), {});
  }

  serverInfo(): Promise<GetServerInfoResponse> {
    return this.unary(
      ({ fleet }) => fleet,
      (client) => client.getServerInfo.bind(client),
      {},
    );
  }

  async overview(): Promise<Overview> {
    const { overview } = await this.unary(
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
    return this.unary(
      ({ fleet }) => fleet,
      (client) => client.getDiagnosis.bind(client),
      {},
    );
  }

  /**
   * A snapshot, then deltas, until the signal or the server ends it. The caller checks the sequence.
   *
   * @param resumeToken of the last message of an earlier stream: a coordinator that knows it begins with a delta.
   */
  watch(intervalMs: number, signal: AbortSignal, resumeToken = ''): AsyncGenerator<WatchResponse> {
    return this.stream(({ fleet }) => fleet.watch({ intervalMs, resumeToken }), signal);
  }

  listCompleteness(feedId: string, page: PageRequest): Promise<ListCompletenessResponse> {
    return this.unary(reportsOf, (client) => client.listCompleteness.bind(client), {
      ...page,
      feedId,
    });
  }

  listMissingEpisodes(feedId: string, page: PageRequest): Promise<ListMissingEpisodesResponse> {
    return this.unary(reportsOf, (client) => client.listMissingEpisodes.bind(client), {
      ...page,
      feedId,
    });
  }

  listBookMentions(request: ListBookMentionsRequest): Promise<ListBookMentionsResponse> {
    return this.unary(
      ({ books }) => books,
      (client) => client.listBookMentions.bind(client),
      request,
    );
  }

  listEvents(request: ListEventsRequest): Promise<ListEventsResponse> {
    return this.unary(
      ({ events }) => events,
      (client) => client.listEvents.bind(client),
      request,
    );
  }

  /** What happened, then what happens, until the signal or the server ends it. */
  followEvents(
    request: FollowEventsRequest,
    signal: AbortSignal,
  ): AsyncGenerator<FollowEventsResponse> {
    return this.stream(({ events }) => events.followEvents(request), signal);
  }

  searchTranscripts(request: SearchTranscriptsRequest): Promise<SearchTranscriptsResponse> {
    return this.unary(
      ({ transcripts }) => transcripts,
      (client) => client.searchTranscripts.bind(client),
      request,
    );
  }

  transcriptVersions(episodeId: string): Promise<ListTranscriptVersionsResponse> {
    return this.unary(
      ({ transcripts }) => transcripts,
      (client) => client.listTranscriptVersions.bind(client),
      { episodeId },
    );
  }

  /** The pieces of a transcript, in order; `run` 0: of the current one; `publisher`: of theirs. The whole of it must come within the time limit. */
  async *transcript(
    episodeId: string,
    format: TranscriptFormat,
    run = 0,
    publisher = false,
  ): AsyncGenerator<Uint8Array> {
    const deadline = Date.now() + this.timeoutMs;
    const call = ({ transcripts }: Line) =>
      transcripts.getTranscript({ episodeId, format, run, publisher }, new Metadata(), {
        deadline,
      });
    for await (const piece of this.stream(call, new AbortController().signal)) yield piece.data;
  }
}

const agentsOf = ({ agents }: Line) => agents;
const reportsOf = ({ reports }: Line) => reports;
const jobsOf = ({ jobs }: Line) => jobs;
const accessOf = ({ access }: Line) => access;

function present<T>(value: T | undefined, what: string): T {
  if (value !== undefined) return value;
  throw new CommandError(
    EXIT.failed,
    `the coordinator answered without ${what}; "podctl version" shows whether it fits this command`,
  );
}
