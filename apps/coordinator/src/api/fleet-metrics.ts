import { CORDON_KINDS } from '@podctl/domain/cordon.ts';
import { isPurging } from '@podctl/domain/feed-purge.ts';
import { choicesOf } from '@podctl/domain/feed-record.ts';
import { slotsOf } from '@podctl/domain/session.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import { gpuFamilies } from '@podctl/platform/gpu-metrics.ts';
import type { TailState } from '@podctl/platform/kv.ts';
import type { MetricFamily, MetricSample } from '@podctl/platform/metrics.ts';
import { NO_SESSION } from '../core/awaited-agent.ts';
import { type FeedRow, wantedFeeds } from '../core/snapshot.ts';
import { sumTallies } from '../core/tally.ts';
import {
  type AgentView,
  agentViews,
  type FeedState,
  feedView,
  type LockView,
  lockViews,
  type Moment,
  type Picture,
  waitingJobs,
} from '../core/view.ts';
import type { AgentLogCounts } from '../shell/agent-logs.ts';
import type { FleetInfo } from '../shell/fleet.ts';
import { hostFamilies } from './host-metrics.ts';
import { pollFamilies } from './poll-metrics.ts';

const FEED_STATES: readonly FeedState[] = [
  'new',
  'active',
  'done',
  'stalled',
  'failing',
  'paused',
  'gone',
];

/**
 * Everything that the fleet's picture says in figures, worked out at scrape time from one snapshot, so that a series goes
 * when what it tells of goes. No label grows with the archive: feeds and episodes are counted, never named.
 */
export function fleetMetrics(picture: Picture, info: FleetInfo, watchers: number): MetricFamily[] {
  // An agent that said goodbye is no longer anybody's concern; a lost one is, and one that is kept out before it comes.
  const agents = agentViews(picture).filter(
    ({ record, session }) => record.state !== 'gone' || session === NO_SESSION,
  );
  return [
    ...feedFamilies(picture),
    ...jobFamilies(picture),
    ...hostFamilies(picture),
    ...lockFamilies(lockViews(picture), info),
    ...agentFamilies(agents),
    ...gpuFamilies(agents.map(({ record, gpus }) => ({ agent: record.agent, gpus }))),
    ...coordinatorFamilies(info, watchers),
  ];
}

function feedFamilies(picture: Picture): MetricFamily[] {
  const counts = new Map<FeedState, number>();
  for (const row of wantedFeeds(picture.snapshot)) {
    const { state } = feedView(picture, row);
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  const of = (state: FeedState) => counts.get(state) ?? 0;
  const { feeds, cluster } = picture.snapshot;
  const purging = [...feeds.values()].filter(({ record }) => isPurging(record, cluster)).length;
  return [
    gauge(
      'podctl_feeds',
      'Feeds by state.',
      FEED_STATES.map((state) => ({ labels: { state }, value: of(state) })),
    ),
    gauge(
      'podctl_feeds_stalled',
      'Feeds with work left of which nothing moves.',
      one(of('stalled')),
    ),
    gauge('podctl_feeds_failing', 'Feeds whose last polls failed.', one(of('failing'))),
    gauge(
      'podctl_feeds_purging',
      'Removed feeds whose files go (feed remove --purge), and are not all gone yet.',
      one(purging),
    ),
    ...pollFamilies(picture),
  ];
}

function jobFamilies(picture: Picture): MetricFamily[] {
  const rows = wantedFeeds(picture.snapshot);
  const tally = sumTallies(rows.map((row) => row.tally));
  const isPaused = ({ record }: FeedRow) => choicesOf(record).paused;
  const paused = rows.filter(isPaused);
  const open = rows.filter((row) => !isPaused(row));
  const states = {
    known: tally.episodes,
    downloaded: tally.done.download,
    transcribed: tally.done.transcribe,
    // What is paused has no next attempt: the alerts take these from what waits.
    retrying: sumTallies(open.map((row) => row.tally)).retrying,
    dead: tally.dead,
    killer: tally.killers,
  };
  const jobs = STAGES.flatMap((stage) => {
    const counts = {
      waiting: waitingJobs(open, stage),
      paused: waitingJobs(paused, stage),
      running: tally.running[stage],
      done: tally.done[stage],
      dead: tally.deadJobs[stage],
    };
    return Object.entries(counts).map(([state, value]) => ({ labels: { stage, state }, value }));
  });
  return [
    gauge(
      'podctl_episodes',
      'Episodes that are known, and how many of them are in each state; one episode may be in several.',
      Object.entries(states).map(([state, value]) => ({ labels: { state }, value })),
    ),
    gauge(
      'podctl_jobs',
      'Jobs by stage and state; those of paused feeds do not wait for anything but a person.',
      jobs,
    ),
    gauge('podctl_audio_remaining_seconds', 'Downloaded audio that is not transcribed yet.', [
      {
        labels: { stage: 'transcribe' },
        value: tally.audioSeconds - tally.audioSecondsTranscribed,
      },
    ]),
  ];
}

function lockFamilies(locks: readonly LockView[], info: FleetInfo): MetricFamily[] {
  const held = STAGES.map((stage) => ({
    labels: { stage },
    value: locks.filter((row) => row.stage === stage && row.lock.state === 'held').length,
  }));
  return [
    gauge('podctl_locks_held', 'Locks that agents hold.', held),
    gauge(
      'podctl_locks_stale',
      'Locks held for long without progress.',
      one(locks.filter(({ stale }) => stale).length),
    ),
    {
      name: 'podctl_fenced_results_total',
      type: 'counter',
      help: 'Results refused because their lock had gone to somebody else.',
      samples: one(info.fencedResults),
    },
  ];
}

function agentFamilies(agents: readonly AgentView[]): MetricFamily[] {
  return [
    gauge(
      'podctl_agent_info',
      'What each agent runs.',
      agents.map(({ record }) => ({
        labels: { agent: record.agent, version: record.version },
        value: 1,
      })),
    ),
    gauge(
      'podctl_agent_last_heartbeat_timestamp_seconds',
      'When each agent was heard last; absent when not since this coordinator started.',
      agents.flatMap(({ record, lastHeartbeatMs }) =>
        lastHeartbeatMs === null
          ? []
          : [{ labels: { agent: record.agent }, value: lastHeartbeatMs / 1_000 }],
      ),
    ),
    gauge(
      'podctl_agent_state',
      '1 for the state that the agent is in.',
      agents.flatMap(({ record }) =>
        (['live', 'lost'] as const).map((state) => ({
          labels: { agent: record.agent, state },
          value: Number(record.state === state),
        })),
      ),
    ),
    gauge(
      'podctl_agent_cordon',
      '1 for what people decided about the agent: anything but open keeps it from new work.',
      agents.flatMap(({ record, cordon }) =>
        CORDON_KINDS.map((state) => ({
          labels: { agent: record.agent, state },
          value: Number((cordon?.kind ?? 'open') === state),
        })),
      ),
    ),
    gauge(
      'podctl_agent_problem',
      '1 when a live agent says that it takes no new work.',
      agents
        .filter(({ record }) => record.state === 'live')
        .map(({ record, problem }) => ({
          labels: { agent: record.agent },
          value: Number(problem !== ''),
        })),
    ),
    gauge(
      'podctl_agent_slots',
      'Slots of each live agent by stage, used and free, and jobs that it holds ahead.',
      slots(agents),
    ),
  ];
}

function slots(agents: readonly AgentView[]): MetricSample[] {
  return agents
    .filter(({ record }) => record.state === 'live')
    .flatMap(({ record, jobs }) =>
      STAGES.flatMap((stage) => {
        const held = jobs.filter((job) => job.stage === stage);
        const used = held.filter(({ waiting }) => !waiting).length;
        const free = Math.max(0, slotsOf(record.slots, stage) - used);
        const labels = { agent: record.agent, stage };
        return [
          { labels: { ...labels, state: 'used' }, value: used },
          { labels: { ...labels, state: 'free' }, value: free },
          { labels: { ...labels, state: 'ahead' }, value: held.length - used },
        ];
      }),
    );
}

function coordinatorFamilies(info: FleetInfo, watchers: number): MetricFamily[] {
  return [
    gauge('podctl_leader', '1 when this coordinator leads.', one(Number(info.leading))),
    gauge(
      'podctl_leader_term',
      'Epoch of the term that it leads or follows; 0 when nobody leads.',
      one(info.epoch),
    ),
    gauge('podctl_watch_subscribers', 'Open Watch streams.', one(watchers)),
    {
      name: 'podctl_state_write_errors_total',
      type: 'counter',
      help: 'Writes to NATS that failed or got no answer, by bucket.',
      samples: Object.entries(info.failedWrites).map(([bucket, value]) => ({
        labels: { bucket },
        value,
      })),
    },
  ];
}

/** How well this process follows the state: what it shows and plans by is as old as its tail. */
export function tailFamilies(tail: TailState, now: Moment): MetricFamily[] {
  const heardWallMs = now.wallMs - (now.monotonicMs - tail.heardAtMs);
  return [
    gauge(
      'podctl_tail_last_heard_timestamp_seconds',
      'When the state was last heard of, heartbeats of NATS included.',
      one(heardWallMs / 1_000),
    ),
    gauge('podctl_tail_revision', 'Newest revision of the state seen.', one(tail.revision)),
    {
      name: 'podctl_tail_recreated_total',
      type: 'counter',
      help: 'How often following the state was begun anew.',
      samples: one(tail.recreated),
    },
  ];
}

/** What was made of agents' log lines. */
export function logFamilies({ lines, evicted, dropped, refused }: AgentLogCounts): MetricFamily[] {
  const counter = (
    name: string,
    help: string,
    counts: Readonly<Record<string, number>>,
    by: string,
  ) =>
    ({
      name,
      type: 'counter',
      help,
      samples: Object.entries(counts).map(([word, value]) => ({ labels: { [by]: word }, value })),
    }) as const;
  return [
    counter(
      'podctl_agent_log_lines_received_total',
      'Log lines of agents: kept at first, gone for newer ones since, and left out by the agents themselves.',
      { kept: lines, evicted, dropped },
      'result',
    ),
    counter(
      'podctl_agent_log_messages_refused_total',
      'Log messages of agents that were not taken.',
      refused,
      'reason',
    ),
  ];
}

function gauge(name: string, help: string, samples: readonly MetricSample[]): MetricFamily {
  return { name, type: 'gauge', help, samples };
}

function one(value: number): MetricSample[] {
  return [{ labels: {}, value }];
}
