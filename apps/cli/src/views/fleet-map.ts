import {
  type Event,
  Event_Type,
  type GetServerInfoResponse,
  type Overview,
  type WatchResponse,
} from '@podctl/proto/podctl/v1/fleet.ts';
import { type AgentView, agentView } from './agent-map.ts';
import { type StageWord, stageWord } from './episode-map.ts';
import { type FeedView, feedView } from './feed-map.ts';
import { isoTime, ratio } from './list-document.ts';

/** The totals of the fleet, as `--json` prints them. */
export interface OverviewView {
  readonly asOf: string | null;
  readonly revision: string;
  readonly leading: boolean;
  readonly feeds: number;
  readonly feedsRead: number;
  readonly feedsStalled: number;
  readonly feedsFailing: number;
  readonly episodes: number;
  readonly downloaded: number;
  readonly downloadedRatio: number;
  readonly transcribed: number;
  readonly transcribedRatio: number;
  readonly dead: number;
  /** Episodes whose work was lost with two agents or more. */
  readonly killers: number;
  readonly downloadWorkers: number;
  readonly transcribeWorkers: number;
  readonly agentsLive: number;
  /** Of the live ones. */
  readonly agentsDraining: number;
  /** Of the live ones: those that people keep from new work, drained ones among them. */
  readonly agentsCordoned: number;
  readonly agentsLost: number;
  readonly locksStale: number;
  readonly fencedResults: number;
  readonly audioTranscribedSeconds: number;
  /** One sentence; empty when nothing is wrong. */
  readonly problem: string;
  /** An estimate; null while no length is known. */
  readonly audioLeftSeconds: number | null;
  /** Seconds of audio a second, over 15 minutes; null below three samples. */
  readonly speedRatio: number | null;
  /** Until nothing is left; null while it cannot be told. */
  readonly etaSeconds: number | null;
  /** Wanted, and nobody works on them. */
  readonly jobsWaiting: number;
  /** Jobs left of stages that nobody waits for, where an agent has slots for them. */
  readonly asideLeft: number;
  /** Hosts that asked for patience, and are not asked as before yet. */
  readonly hostsThrottled: number;
}

export function overviewView(overview: Overview): OverviewView {
  return {
    asOf: isoTime(overview.asOf),
    revision: String(overview.revision),
    leading: overview.leading,
    feeds: overview.feeds,
    feedsRead: overview.feedsRead,
    feedsStalled: overview.feedsStalled,
    feedsFailing: overview.feedsFailing,
    episodes: overview.episodes,
    downloaded: overview.downloaded,
    downloadedRatio: ratio(overview.downloaded, overview.episodes),
    transcribed: overview.transcribed,
    transcribedRatio: ratio(overview.transcribed, overview.episodes),
    dead: overview.dead,
    killers: overview.killers,
    downloadWorkers: overview.downloadWorkers,
    transcribeWorkers: overview.transcribeWorkers,
    agentsLive: overview.agentsLive,
    agentsDraining: overview.agentsDraining,
    agentsCordoned: overview.agentsCordoned,
    agentsLost: overview.agentsLost,
    locksStale: overview.locksStale,
    fencedResults: Number(overview.fencedResults),
    audioTranscribedSeconds: overview.audioSecondsTranscribed,
    problem: overview.problem,
    audioLeftSeconds: overview.audioSecondsLeft ?? null,
    speedRatio: overview.speedRatio ?? null,
    etaSeconds: overview.etaSeconds ?? null,
    jobsWaiting: overview.jobsWaiting,
    asideLeft: overview.asideLeft,
    hostsThrottled: overview.hostsThrottled,
  };
}

export type EventTypeWord = (typeof eventWords)[number] | 'unknown';

/** In the order of the numbers in the API. */
export const eventWords = [
  'feed-added',
  'feed-read',
  'feed-failed',
  'job-assigned',
  'job-done',
  'job-retry',
  'job-dead',
  'agent-joined',
  'agent-left',
  'agent-lost',
  'result-fenced',
  'library',
  'job-requeued',
  'agent-cordoned',
  'agent-uncordoned',
  'agent-draining',
  'agent-drained',
  'job-canceled',
  'episode-skipped',
  'host-cooling',
  'host-recovered',
  'audio-removed',
  'feed-purging',
  'feed-purged',
] as const;

/** Something that happened, as `-o jsonl` prints it. */
export interface EventView {
  readonly sequence: string;
  /** The same from each coordinator; empty from one that is older. */
  readonly eventId: string;
  readonly at: string | null;
  readonly type: EventTypeWord;
  readonly feedId: string;
  readonly episodeId: string;
  /** Empty when no episode is concerned. */
  readonly title: string;
  readonly stage: StageWord | '';
  readonly agentId: string;
  readonly message: string;
}

export function eventTypeWord(type: Event_Type): EventTypeWord {
  // The words stand in the order of the numbers, which begin at 1; an enum's number never changes.
  return eventWords[type - Event_Type.FEED_ADDED] ?? 'unknown';
}

/** Null for a word that is none; `job_dead` is `job-dead`. */
export function eventTypeNumber(word: string): Event_Type | null {
  const known: readonly string[] = eventWords;
  const place = known.indexOf(word.replaceAll('_', '-'));
  return place === -1 ? null : ((place + Event_Type.FEED_ADDED) as Event_Type);
}

function eventView(event: Event): EventView {
  return { sequence: String(event.sequence), ...eventFields(event) };
}

export function eventFields(event: Event): Omit<EventView, 'sequence'> {
  return {
    eventId: event.eventId ?? '',
    at: isoTime(event.at),
    type: eventTypeWord(event.type),
    feedId: event.feedId,
    episodeId: event.episodeId,
    title: event.title,
    stage: event.stage === 0 ? '' : stageWord(event.stage),
    agentId: event.agentId,
    message: event.message,
  };
}

/** One message of the watch stream. */
export type WatchMessage = {
  readonly sequence: bigint;
  /** Goes on from here; absent from coordinators that are older. */
  readonly resumeToken?: string;
  /** How old the state was when this was sent; absent from coordinators that are older. */
  readonly stateAgeMs?: number;
} & (
  | { readonly kind: 'snapshot' | 'delta'; readonly changes: FleetChanges }
  | { readonly kind: 'heartbeat' }
);

/** Totals, feeds, agents and events: all of them in a snapshot, the changed ones in a delta. */
export interface FleetChanges {
  readonly overview: OverviewView | null;
  readonly feeds: readonly FeedView[];
  readonly agents: readonly AgentView[];
  /** Oldest first. */
  readonly events: readonly EventView[];
  readonly eventsDropped: number;
  /** Ids of what is no more. */
  readonly removed?: { readonly feedIds: readonly string[]; readonly agentIds: readonly string[] };
}

export function watchMessage(response: WatchResponse): WatchMessage {
  const { message } = response;
  const head = watchHead(response);
  switch (message?.$case) {
    case 'snapshot':
    case 'delta': {
      const { overview, feeds, agents, events } = message.value;
      const changes = {
        overview: overview === undefined ? null : overviewView(overview),
        feeds: feeds.map(feedView),
        agents: agents.map(agentView),
        events: events.map(eventView),
        eventsDropped: message.$case === 'delta' ? Number(message.value.eventsDropped) : 0,
        ...(message.$case === 'delta' && message.value.removed !== undefined
          ? { removed: message.value.removed }
          : {}),
      };
      return { ...head, kind: message.$case, changes };
    }
    // An unknown message of a newer coordinator proves that it lives, like a heartbeat.
    default:
      return { ...head, kind: 'heartbeat' };
  }
}

function watchHead({ sequence, resumeToken, stateAge }: WatchResponse) {
  return {
    sequence,
    ...(resumeToken === undefined ? {} : { resumeToken }),
    ...(stateAge === undefined
      ? {}
      : { stateAgeMs: Number(stateAge.seconds) * 1_000 + stateAge.nanos / 1e6 }),
  };
}

/** Version and place of a coordinator, as `version --json` prints it. */
export interface ServerView {
  readonly version: string;
  readonly coordinatorId: string;
  readonly leading: boolean;
  readonly epoch: string;
  readonly clusterId: string;
  readonly natsVersion: string;
  /** Where it shows `/metrics`, host:port as it listens; empty where it does not say. */
  readonly metricsAddress: string;
}

export function serverView(info: GetServerInfoResponse): ServerView {
  return {
    version: info.version,
    coordinatorId: info.coordinatorId,
    leading: info.leading,
    epoch: String(info.epoch),
    clusterId: info.clusterId,
    natsVersion: info.natsVersion,
    metricsAddress: info.metricsAddress,
  };
}
