import type { Gpu } from '@podctl/domain/gpu.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { gpuFamilies } from '@podctl/platform/gpu-metrics.ts';
import type { Metrics } from '@podctl/platform/metrics.ts';
import type { NatsLink } from '@podctl/platform/nats/connection.ts';
import { natsFamilies } from '@podctl/platform/nats/metrics.ts';
import { engineIdle, idleUntil } from '../core/engine-idle.ts';
import { advance, slotTime } from '../core/slot-time.ts';
import type { AgentEvent } from './agent.ts';

export interface AgentMetricsOptions {
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly agent: string;
  readonly version: string;
  readonly os: string;
  readonly arch: string;
  readonly model: string;
  readonly transcribeSlots: number;
  readonly link: Pick<NatsLink, 'isConnected' | 'counts'>;
  /** As they were seen last. */
  readonly gpus?: () => readonly Gpu[];
  /** Bytes a second that downloads may take now; null: no limit. */
  readonly bandwidthMax?: () => number | null;
  readonly diskFloorBytes?: number;
}

export interface AgentMetrics {
  observe(event: AgentEvent): void;
  received(bytes: number): void;
  /** Bytes of downloads that were there from an earlier attempt. */
  resumed(bytes: number): void;
  /** Free on the disk that attempts are written to; null where it does not tell. */
  disk(freeBytes: number | null): void;
  /** From (`in`) and to a coordinator. */
  moved(direction: 'in' | 'out', bytes: number): void;
  /**
   * @param resumedAtSeconds so much of it was there from an earlier attempt; 0: nothing.
   * @param quality 0 to 1; null where there was nothing to judge.
   */
  transcribed(
    model: string,
    audioSeconds: number,
    resumedAtSeconds: number,
    quality: number | null,
  ): void;
  /** So many engines have a request now. */
  atWork(count: number): void;
  /** Publisher's transcripts: with downloads, and where one was to be preferred. */
  publisher(outcome: PublisherOutcome): void;
  /** Lines of the log: told to the coordinators, and left out. */
  logged(lines: number, dropped: number): void;
}

const PUBLISHER_OUTCOMES = ['kept', 'failed', 'used', 'declined'] as const;
type PublisherOutcome = (typeof PUBLISHER_OUTCOMES)[number];

const QUALITY_BUCKETS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

/** How jobs end on an agent. */
const RESULTS = ['finished', 'failed', 'returned'];

/** The agent's rows. The coordinator counts jobs of the whole fleet under names of its own: a sum never counts one twice. */
export function agentMetrics(options: AgentMetricsOptions): AgentMetrics {
  const { metrics, clock, agent } = options;
  metrics
    .gauge({
      name: 'podctl_agent_info',
      help: 'What this agent is; always 1.',
      labels: ['agent', 'version', 'os', 'arch'],
    })
    .set({ agent, version: options.version, os: options.os, arch: options.arch }, 1);
  const jobs = metrics.counter({
    name: 'podctl_agent_jobs_total',
    help: 'Jobs that ended on this agent, by how they ended.',
    labels: ['agent', 'stage', 'result'],
  });
  // From 0 at the start: a rate over a series that begins at 1 misses its first job.
  for (const stage of STAGES) for (const result of RESULTS) jobs.add({ agent, stage, result }, 0);
  const unanswered = metrics.counter({
    name: 'podctl_agent_results_unanswered_total',
    help: 'Requests for a verdict that brought none.',
    labels: ['agent'],
  });
  const downloads = downloadCounters(options);
  const transfers = metrics.counter({
    name: 'podctl_agent_transfer_bytes_total',
    help: 'Bytes of artifacts moved from (in) and to (out) coordinators.',
    labels: ['agent', 'direction'],
  });
  const logs = metrics.counter({
    name: 'podctl_agent_log_lines_total',
    help: 'Lines of the log told to the coordinators, and left out since more came than may be told.',
    labels: ['agent', 'result'],
  });
  for (const result of ['told', 'dropped']) logs.add({ agent, result }, 0);
  let slots = slotTime(options.transcribeSlots, clock.monotonicMs());
  let idle = engineIdle(options.transcribeSlots, clock.monotonicMs());
  metrics.addSource(() => {
    slots = advance(slots, slots.running, clock.monotonicMs());
    return [
      ...slotRows(options, slots),
      idleRow(options, idleUntil(idle, {}, clock.monotonicMs()).idleMs),
      ...natsFamilies('agent', options.link),
      ...downloads.rows(),
      ...gpuFamilies([{ agent, gpus: options.gpus?.() ?? [] }]),
    ];
  });
  return {
    observe(event) {
      if (event.kind === 'ended') jobs.add({ agent, stage: event.stage, result: event.result });
      else if (event.kind === 'unanswered') unanswered.add({ agent });
      else if (event.stage === 'transcribe') {
        slots = advance(slots, event.count, clock.monotonicMs());
        idle = idleUntil(idle, { held: event.count + event.waiting }, clock.monotonicMs());
      }
    },
    received: downloads.received,
    resumed: downloads.resumed,
    disk: downloads.disk,
    moved: (direction, count) => transfers.add({ agent, direction }, count),
    logged(lines, dropped) {
      logs.add({ agent, result: 'told' }, lines);
      logs.add({ agent, result: 'dropped' }, dropped);
    },
    atWork(count) {
      idle = idleUntil(idle, { atWork: count }, clock.monotonicMs());
    },
    publisher: publisherCounter(options),
    transcribed: audioMetrics(options),
  };
}

function publisherCounter({ metrics, agent }: AgentMetricsOptions): AgentMetrics['publisher'] {
  const publishers = metrics.counter({
    name: 'podctl_publisher_transcripts_total',
    help: 'Transcripts of publishers: kept with a download or failed to come, and where one was preferred, used or declined.',
    labels: ['agent', 'outcome'],
  });
  for (const outcome of PUBLISHER_OUTCOMES) publishers.add({ agent, outcome }, 0);
  return (outcome) => publishers.add({ agent, outcome });
}

function audioMetrics({ metrics, agent }: AgentMetricsOptions): AgentMetrics['transcribed'] {
  const seconds = metrics.counter({
    name: 'podctl_audio_transcribed_seconds_total',
    help: 'Seconds of audio transcribed.',
    labels: ['agent', 'model'],
  });
  const kept = metrics.counter({
    name: 'podctl_transcribe_resumed_seconds_total',
    help: 'Seconds of audio that did not have to be heard again, since an earlier attempt had left a checkpoint.',
    labels: ['agent'],
  });
  const quality = qualityHistogram(metrics);
  kept.add({ agent }, 0);
  return (model, audioSeconds, resumedAtSeconds, ratio) => {
    seconds.add({ agent, model }, audioSeconds);
    kept.add({ agent }, resumedAtSeconds);
    if (ratio !== null) quality.observe({ agent, model }, ratio);
  };
}

function qualityHistogram(metrics: Metrics) {
  return metrics.histogram({
    name: 'podctl_transcript_quality_ratio',
    help: 'Quality of transcripts made, 0 to 1; those of silence have none.',
    labels: ['agent', 'model'],
    buckets: QUALITY_BUCKETS,
  });
}

function downloadCounters(options: AgentMetricsOptions) {
  const { metrics, agent } = options;
  const bytes = metrics.counter({
    name: 'podctl_download_bytes_total',
    help: 'Bytes of audio received.',
    labels: ['agent'],
  });
  const kept = metrics.counter({
    name: 'podctl_download_resumed_bytes_total',
    help: 'Bytes of audio that did not have to be received again, since an earlier attempt had left them.',
    labels: ['agent'],
  });
  bytes.add({ agent }, 0);
  kept.add({ agent }, 0);
  let freeBytes: number | null = null;
  return {
    received: (count: number) => bytes.add({ agent }, count),
    resumed: (count: number) => kept.add({ agent }, count),
    disk: (free: number | null) => {
      freeBytes = free;
    },
    rows: () => downloadRows(options, freeBytes),
  };
}

/** Of what is not known there is no row. */
function downloadRows(
  { agent, bandwidthMax, diskFloorBytes }: AgentMetricsOptions,
  freeBytes: number | null,
) {
  const rows = [
    [
      'podctl_agent_disk_free_bytes',
      'Free on the disk that this agent’s attempts are written to.',
      freeBytes,
    ],
    [
      'podctl_agent_disk_floor_bytes',
      'No new work is begun with less free than this.',
      diskFloorBytes ?? null,
    ],
    [
      'podctl_agent_bandwidth_max_bytes_per_second',
      'What downloads of this agent may take together.',
      bandwidthMax?.() ?? null,
    ],
  ] as const;
  return rows.map(([name, help, value]) => ({
    ...({ name, type: 'gauge', help } as const),
    samples: value === null ? [] : [{ labels: { agent }, value }],
  }));
}

function idleRow({ agent, model }: AgentMetricsOptions, idleMs: number) {
  return {
    name: 'podctl_transcribe_idle_with_work_seconds_total',
    type: 'counter',
    help: 'Engine seconds without a request while the agent held transcriptions for it.',
    samples: [{ labels: { agent, model }, value: idleMs / 1000 }],
  } as const;
}

function slotRows(
  { agent, model }: AgentMetricsOptions,
  slots: { readonly busyMs: number; readonly idleMs: number },
) {
  const row = (name: string, help: string, ms: number) =>
    ({
      name,
      type: 'counter',
      help,
      samples: [{ labels: { agent, model }, value: ms / 1000 }],
    }) as const;
  return [
    row('podctl_transcribe_busy_seconds_total', 'Slot seconds spent transcribing.', slots.busyMs),
    row('podctl_transcribe_idle_seconds_total', 'Slot seconds without work.', slots.idleMs),
  ];
}
