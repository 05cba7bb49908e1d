import type { AgentView } from '../../views/agent-map.ts';
import type { FeedView } from '../../views/feed-map.ts';
import type { EventView, OverviewView } from '../../views/fleet-map.ts';
import type { LockView } from '../../views/lock-map.ts';
import { initialScreen, type ScreenState } from '../../watch/screen-state.ts';
import type { WatchPicture } from '../../watch/watch-picture.ts';
import { frame, type Shown } from './frame.ts';
import type { Style } from './line.ts';
import { select } from './selection.ts';

/** A fleet for tests of frames: all states, three agents, one of them lost. */
export const NOW = Date.parse('2026-03-19T21:04:07Z');
const ago = (seconds: number) => new Date(NOW - seconds * 1_000).toISOString();

export function feed(changes: Partial<FeedView> = {}): FeedView {
  return {
    feedId: 'in-our-time',
    title: 'In Our Time',
    url: 'https://feeds.example/iot',
    state: 'active',
    episodes: 1_000,
    downloaded: 830,
    downloadedRatio: 0.83,
    transcribed: 410,
    transcribedRatio: 0.41,
    dead: 0,
    retrying: 0,
    downloadWorkers: 2,
    transcribeWorkers: 1,
    bookScore: 8,
    bookScoreKnown: true,
    audioTranscribedSeconds: 7_200,
    stalledSince: null,
    lastSuccessAt: ago(240),
    problem: '',
    audioLeftSeconds: 1_642_000,
    speedRatio: 24,
    etaSeconds: 68_400,
    priority: 0,
    labels: {},
    urlIsPrivate: false,
    skipped: 0,
    paused: false,
    ...changes,
  };
}

const idle = { downloadWorkers: 0, transcribeWorkers: 0, speedRatio: null, etaSeconds: null };

export const feeds: readonly FeedView[] = [
  feed(),
  feed({
    feedId: 'hardcore-history',
    downloadedRatio: 1,
    downloaded: 1_000,
    transcribedRatio: 0.74,
    transcribed: 740,
    bookScore: 9,
    speedRatio: 31.4,
    etaSeconds: 15_120,
    retrying: 2,
  }),
  feed({
    ...idle,
    feedId: 'the-long-archive-of-a-show-with-a-very-long-name-that-goes-on',
    state: 'stalled',
    stalledSince: ago(840),
    transcribedRatio: 0.22,
    transcribed: 220,
    bookScore: 3,
    dead: 2,
  }),
  feed({ ...idle, feedId: 'radiolab', downloadWorkers: 3, downloadedRatio: 0.12, downloaded: 120 }),
  feed({
    ...idle,
    feedId: 'gone-show',
    state: 'failing',
    problem: 'HTTP 404 from feeds.example: the feed is gone',
    lastSuccessAt: null,
  }),
  feed({
    ...idle,
    feedId: 'finished-show',
    state: 'done',
    downloadedRatio: 1,
    transcribedRatio: 1,
    downloaded: 1_000,
    transcribed: 1_000,
    etaSeconds: 0,
    bookScore: 3,
  }),
];

export const overview: OverviewView = {
  asOf: ago(1),
  revision: '12',
  leading: true,
  feeds: 6,
  feedsRead: 5,
  feedsStalled: 1,
  feedsFailing: 1,
  episodes: 31_204,
  downloaded: 24_466,
  downloadedRatio: 0.784,
  transcribed: 11_820,
  transcribedRatio: 0.378,
  dead: 2,
  killers: 1,
  downloadWorkers: 7,
  transcribeWorkers: 2,
  agentsLive: 2,
  agentsDraining: 0,
  agentsCordoned: 0,
  agentsLost: 1,
  locksStale: 1,
  fencedResults: 0,
  audioTranscribedSeconds: 100_000,
  problem: '',
  audioLeftSeconds: 6_854_400,
  speedRatio: 75.2,
  etaSeconds: 183_600,
  hostsThrottled: 0,
  jobsWaiting: 6_711,
  asideLeft: 0,
};

export function agent(changes: Partial<AgentView> = {}): AgentView {
  return {
    agentId: 'gpu1',
    state: 'live',
    session: '9',
    host: 'attic',
    version: '0.1.0',
    engine: 'faster-whisper large-v3 float16 cuda',
    downloadSlots: 4,
    transcribeSlots: 2,
    scoreSlots: 1,
    stateSince: null,
    lastHeartbeatAt: ago(2),
    jobs: [
      {
        jobId: 'abcdefghijklmnopqrstuvwxyz.transcribe.1',
        feedId: 'in-our-time',
        episodeId: 'abcdefghijklmnopqrstuvwxyz',
        stage: 'transcribe',
        token: '1764000000017',
        progressRatio: 0.42,
        audioSeconds: null,
        waiting: false,
        begunAt: null,
        note: '',
        assignedAt: ago(95),
      },
      {
        jobId: 'bbcdefghijklmnopqrstuvwxyz.download.1',
        feedId: 'radiolab',
        episodeId: 'bbcdefghijklmnopqrstuvwxyz',
        stage: 'download',
        token: '1764000000018',
        progressRatio: 0.9,
        audioSeconds: null,
        waiting: false,
        begunAt: null,
        note: '',
        assignedAt: ago(12),
      },
    ],
    problem: '',
    gpus: [
      {
        index: 0,
        uuid: 'GPU-1',
        product: 'NVIDIA RTX 4090',
        driver: '550.127',
        backend: 'cuda',
        memorySizeBytes: 24e9,
        memoryUsedBytes: 9.1e9,
        utilizationRatio: 0.91,
        temperatureCelsius: 67,
        powerWatts: 312,
      },
    ],
    gpuProblem: '',
    engineChoice: '',
    cordon: null,
    ...changes,
  };
}

const agents: readonly AgentView[] = [
  agent(),
  agent({ agentId: 'cpu1', host: 'cellar', gpus: [], jobs: [], problem: 'the disk is full' }),
  agent({ agentId: 'gpu2', state: 'lost', gpus: [], jobs: [], lastHeartbeatAt: ago(400) }),
];

export function event(changes: Partial<EventView> = {}): EventView {
  return {
    sequence: '8',
    eventId: '',
    at: ago(5),
    type: 'job-done',
    feedId: 'in-our-time',
    episodeId: 'abcdefghijklmnopqrstuvwxyz',
    title: 'Bees',
    stage: 'transcribe',
    agentId: 'gpu1',
    message: 'transcribed in 58 s',
    ...changes,
  };
}

const events: readonly EventView[] = [
  event({
    sequence: '6',
    at: ago(31),
    type: 'agent-lost',
    agentId: 'gpu2',
    feedId: '',
    episodeId: '',
    stage: '',
    title: '',
    message: 'silent for 30 s',
  }),
  event({ sequence: '7', at: ago(12), type: 'job-retry', message: 'out of memory' }),
  event(),
];

export function lock(changes: Partial<LockView> = {}): LockView {
  return {
    feedId: 'in-our-time',
    episodeId: 'abcdefghijklmnopqrstuvwxyz',
    stage: 'transcribe',
    state: 'held',
    token: '1764000000017',
    agentId: 'gpu1',
    session: '9',
    epoch: '3',
    heldSince: ago(5_000),
    lastProgressAt: ago(4_000),
    stale: true,
    ...changes,
  };
}

export const picture: WatchPicture = {
  state: {
    overview,
    feeds: new Map(feeds.map((one) => [one.feedId, one])),
    agents: new Map(agents.map((one) => [one.agentId, one])),
    events,
    sequence: 5n,
    heardAtMs: NOW - 2_000,
  },
  logs: {
    items: Array.from(
      { length: 40 },
      (_, n) => `21:03:${n + 10}Z info  gpu1  transcribe at ${n} %`,
    ),
    readAtMs: NOW - 500,
    problem: '',
  },
  locks: {
    items: [
      lock(),
      lock({
        feedId: 'radiolab',
        stage: 'download',
        stale: false,
        state: 'committed',
        heldSince: ago(12),
        lastProgressAt: null,
      }),
    ],
    readAtMs: NOW,
    problem: '',
  },
};

export const plainStyle: Style = { ascii: false, color: false };

export function shownOf(
  of: WatchPicture = picture,
  screen: ScreenState = initialScreen(),
  style: Style = plainStyle,
): Shown {
  const head = { name: 'ctx:home', keys: '? help  q quit' };
  return { picture: of, screen, selection: select(of, screen), head, style };
}

export function framed(shown: Shown, columns: number, rows: number): string[] {
  return frame(shown, { columns, rows }, NOW);
}
