import { Server, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import type { KeyedCertificate } from '@podctl/platform/authority/certificates.ts';
import { AccessServiceService } from '@podctl/proto/podctl/v1/access.ts';
import { type Agent, AgentServiceService, AgentState } from '@podctl/proto/podctl/v1/agent.ts';
import {
  type Episode,
  EpisodeServiceService,
  Stage,
  StageState,
  type StageStatus,
} from '@podctl/proto/podctl/v1/episode.ts';
import {
  AddedFeed_Outcome,
  type AddFeedsRequest,
  type Feed,
  FeedServiceService,
  FeedState,
  type ListFeedsRequest,
} from '@podctl/proto/podctl/v1/feed.ts';
import {
  Event_Type,
  FleetServiceService,
  type Overview,
  type WatchResponse,
} from '@podctl/proto/podctl/v1/fleet.ts';
import { HostServiceService } from '@podctl/proto/podctl/v1/host.ts';
import { LockServiceService } from '@podctl/proto/podctl/v1/lock.ts';
import {
  type SearchTranscriptsRequest,
  TranscriptServiceService,
} from '@podctl/proto/podctl/v1/transcript.ts';
import { accessService } from './fixed-access.ts';
import { hostService } from './fixed-hosts.ts';
import { serverCredentials } from './server-credentials.ts';

export const AT = new Date('2026-03-19T06:30:00.000Z');

export const clockFeed: Feed = {
  feedId: 'the-clockmakers',
  url: 'http://127.0.0.1/clock.xml',
  title: 'The Clockmakers',
  state: FeedState.ACTIVE,
  episodes: 3,
  downloaded: 2,
  transcribed: 1,
  dead: 0,
  downloadWorkers: 1,
  transcribeWorkers: 1,
  bookScore: 3,
  bookScoreKnown: false,
  stalledSince: undefined,
  lastSuccessAt: AT,
  problem: '',
  audioSecondsTranscribed: 31.5,
  retrying: 0,
  audioSecondsLeft: 63,
  speedRatio: undefined,
  etaSeconds: undefined,
  urlIsPrivate: false,
  skipped: 0,
  paused: false,
};

export const overview: Overview = {
  asOf: AT,
  revision: 42n,
  feeds: 1,
  feedsRead: 1,
  feedsStalled: 0,
  feedsFailing: 0,
  episodes: 3,
  downloaded: 2,
  transcribed: 1,
  dead: 0,
  downloadWorkers: 1,
  transcribeWorkers: 1,
  agentsLive: 1,
  killers: 0,
  agentsDraining: 0,
  agentsCordoned: 0,
  agentsLost: 0,
  locksStale: 0,
  fencedResults: 0n,
  audioSecondsTranscribed: 31.5,
  leading: true,
  problem: '',
  audioSecondsLeft: 63,
  speedRatio: undefined,
  etaSeconds: undefined,
  hostsThrottled: 0,
  jobsWaiting: 2,
};

function stage(which: Stage, state: StageState): StageStatus {
  const running = state === StageState.RUNNING;
  return {
    stage: which,
    state,
    attempts: 0,
    losses: 0,
    agentId: running ? 'local' : '',
    token: running ? 17n : 0n,
    progressRatio: running ? 0.5 : 0,
    reason: '',
    notBefore: undefined,
    audioRemoved: false,
    askedModel: '',
    files: [],
  };
}

const episode: Episode = {
  episodeId: 'abcdefghijklmnopqrstuvwxyz',
  feedId: 'the-clockmakers',
  title: 'The Long Case\u001b[31m',
  publishedAt: AT,
  stages: [stage(Stage.DOWNLOAD, StageState.DONE), stage(Stage.TRANSCRIBE, StageState.RUNNING)],
  audioSeconds: 31.5,
  url: 'http://127.0.0.1/clock-01.mp3',
  readablePaths: ['the-clockmakers/clock-01.txt'],
  prioritized: false,
};

/** What a test may change or look at. */
export interface FixedCoordinator {
  readonly address: string;
  readonly added: AddFeedsRequest[];
  /** Requests that changed who is let in, by method. */
  readonly ordered: unknown[];
  /** Messages that every watch stream sends before it stays silent. */
  watchMessages: WatchResponse[];
  /** What it says of itself. */
  version: string;
  metricsAddress: string;
  stop(): Promise<void>;
}

export function snapshotOf(feeds: Feed[], totals: Overview): WatchResponse {
  return {
    sequence: 1n,
    message: { $case: 'snapshot', value: { overview: totals, feeds, agents: [], events: [] } },
  };
}

export const doneEvent = {
  sequence: 7n,
  at: AT,
  type: Event_Type.JOB_DONE,
  feedId: 'the-clockmakers',
  episodeId: 'abcdefghijklmnopqrstuvwxyz',
  stage: Stage.TRANSCRIBE,
  agentId: 'local',
  message: 'transcribed in 3 s',
  title: 'The Long Case',
};

function feedService(feeds: readonly Feed[], added: AddFeedsRequest[]) {
  return {
    addFeeds: (call: ServerUnaryCall<AddFeedsRequest, unknown>, done: sendUnaryData<unknown>) => {
      added.push(call.request);
      const answers = call.request.feeds.map((feed, i) => ({
        feedId: feed.url.includes('bad') ? '' : feed.feedId || `feed-${i + 1}`,
        url: feed.url,
        outcome: feed.url.includes('bad') ? AddedFeed_Outcome.REFUSED : AddedFeed_Outcome.ADDED,
        problem: feed.url.includes('bad') ? 'it is not http' : '',
      }));
      done(null, { feeds: answers, revision: 43n });
    },
    listFeeds: (call: ServerUnaryCall<ListFeedsRequest, unknown>, done: sendUnaryData<unknown>) => {
      const at = Number(call.request.pageToken || '0');
      const nextPageToken = at + 1 < feeds.length ? String(at + 1) : '';
      done(null, { feeds: feeds.slice(at, at + 1), nextPageToken });
    },
    updateFeed: (_: unknown, done: sendUnaryData<unknown>) =>
      done(null, { changed: ['paused'], revision: 44n }),
  };
}

const episodeService = {
  listEpisodes: (_: unknown, done: sendUnaryData<unknown>) =>
    done(null, { episodes: [{ ...episode, url: '', readablePaths: [] }], nextPageToken: '' }),
  getEpisode: (
    call: ServerUnaryCall<{ episodeId: string }, unknown>,
    done: sendUnaryData<unknown>,
  ) => {
    if (call.request.episodeId === 'slow') return;
    if (episode.episodeId.startsWith(call.request.episodeId)) return done(null, { episode });
    done({ code: status.NOT_FOUND, details: 'no episode begins with that id' });
  },
};

/** Its GPU's name is that of an agent that means ill. */
const agent: Agent = {
  agentId: 'local',
  state: AgentState.LIVE,
  session: 9n,
  host: 'here',
  version: '0.1.0',
  downloadSlots: 4,
  transcribeSlots: 1,
  lastHeartbeatAt: AT,
  jobs: [],
  engine: 'faster-whisper tiny.en int8 cpu',
  problem: '',
  gpus: [
    {
      index: 0,
      uuid: 'GPU-1',
      product: 'NVIDIA RTX\u001b[31m 4090\nAgent      other',
      driver: '550.127.05',
      backend: 'cuda',
      memorySizeBytes: 24_000_000_000n,
      memoryUsedBytes: 9_100_000_000n,
      utilizationRatio: 0.97,
      temperatureCelsius: 67,
      powerWatts: undefined,
    },
  ],
  gpuProblem: '',
  engineChoice: '',
};

const agentService = {
  listAgents: (_: unknown, done: sendUnaryData<unknown>) =>
    done(null, { agents: [agent], nextPageToken: '' }),
  getAgent: (call: ServerUnaryCall<{ agentId: string }, unknown>, done: sendUnaryData<unknown>) => {
    if (call.request.agentId === agent.agentId) return done(null, { agent });
    done({ code: status.NOT_FOUND, details: 'no agent has that name' });
  },
};

const lockService = {
  listLocks: (_: unknown, done: sendUnaryData<unknown>) =>
    done(null, {
      locks: [
        {
          feedId: 'the-clockmakers',
          episodeId: episode.episodeId,
          stage: Stage.TRANSCRIBE,
          token: 17n,
          agentId: 'local',
          session: 9n,
          epoch: 3n,
          committed: false,
          heldSince: AT,
          lastProgressAt: undefined,
          stale: true,
        },
      ],
      nextPageToken: '',
    }),
};

function fleetService(
  fixed: Pick<FixedCoordinator, 'version' | 'metricsAddress'>,
  messages: () => readonly WatchResponse[],
) {
  return {
    getServerInfo: (_: unknown, done: sendUnaryData<unknown>) =>
      done(null, {
        version: fixed.version,
        metricsAddress: fixed.metricsAddress,
        coordinatorId: 'c1',
        leading: true,
        epoch: 3n,
        clusterId: 'abcdefghijklmnop',
        natsVersion: '2.15.1',
      }),
    getOverview: (_: unknown, done: sendUnaryData<unknown>) => done(null, { overview }),
    watch: (call: { write(message: WatchResponse): void }) => {
      for (const message of messages()) call.write(message);
    },
  };
}

const hit = {
  ...{ feedId: 'the-clockmakers', feedTitle: 'The Clockmakers', title: 'The Long\u001b[31m Case' },
  ...{ episodeId: 'abcdefghijklmnopqrstuvwxyz', publishedAt: AT, startSeconds: 4_503.5 },
  snippet: [
    { text: 'a long case ', matched: false },
    { text: 'clock', matched: true },
  ],
};

const version = (run: number, model: string, quality?: number) => ({
  ...{ run, model, quality, token: BigInt(40 + run), current: run === 2, agentId: 'gpu-1' },
  ...{ finishedAt: new Date('2026-01-01'), engine: 'faster-whisper 1.2.1', language: 'en' },
  ...{ modelRevision: '1a5a', segments: 3, audioSeconds: 60, files: [] },
});

const transcriptService = {
  searchTranscripts: (
    { request }: ServerUnaryCall<SearchTranscriptsRequest, unknown>,
    done: sendUnaryData<unknown>,
  ) => {
    const hits = request.query.startsWith('clock') ? [hit] : [];
    done(null, { hits, nextPageToken: '', indexedEpisodes: 40n, behindEpisodes: 2n });
  },
  listTranscriptVersions: (_call: unknown, done: sendUnaryData<unknown>) =>
    done(null, { versions: [version(2, 'large-v3', 0.93), version(1, 'tiny.en')], episodeId: 'e' }),
  getTranscript: (call: { write(message: { data: Uint8Array }): void; end(): void }) => {
    call.write({ data: Buffer.from('one long ') });
    call.write({ data: Buffer.from('case\n') });
    call.end();
  },
};

/** How it is guarded; by default not at all. */
export interface Guard {
  /** Speaks TLS with it. */
  readonly certificate?: KeyedCertificate;
  /** Takes only this bearer token. */
  readonly token?: string;
}

/** A coordinator that answers with fixed data, over real gRPC on loopback. The feed list has `feeds` pages of one. */
export async function startFixedCoordinator(
  feeds: Feed[] = [clockFeed],
  { certificate, token }: Guard = {},
): Promise<FixedCoordinator> {
  const server = new Server();
  const fixed = {
    added: [] as AddFeedsRequest[],
    ordered: [] as unknown[],
    watchMessages: [snapshotOf(feeds, overview)],
    version: '0.1.0',
    metricsAddress: '',
  };
  server.addService(FeedServiceService, feedService(feeds, fixed.added));
  server.addService(EpisodeServiceService, episodeService);
  server.addService(AgentServiceService, agentService);
  server.addService(LockServiceService, lockService);
  server.addService(HostServiceService, hostService);
  server.addService(
    FleetServiceService,
    fleetService(fixed, () => fixed.watchMessages),
  );
  server.addService(TranscriptServiceService, transcriptService);
  server.addService(AccessServiceService, accessService(fixed.ordered, token));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', serverCredentials(certificate), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return Object.assign(fixed, {
    address: `127.0.0.1:${port}`,
    stop: async () => server.forceShutdown(),
  });
}
