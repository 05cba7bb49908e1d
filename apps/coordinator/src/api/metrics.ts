import type { PollCame } from '@podctl/domain/feed/polling.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { Library } from '@podctl/platform/library.ts';
import { createMetrics, type MetricFamily, type Metrics } from '@podctl/platform/metrics.ts';
import type { EventType, FleetEvent } from '../core/event.ts';
import type { ThrottleCode } from '../core/host-verdict.ts';
import type { Rejected } from '../shell/planner.ts';
import { eventCounts } from './event-metrics.ts';
import type { CallObserver } from './handler.ts';
import { throttleCounts } from './host-metrics.ts';
import { pollCounts } from './poll-metrics.ts';

/** What the coordinator counts as it happens; the rest of its page is worked out from the picture at each scrape. */
export interface CoordinatorMetrics {
  readonly page: Metrics;
  readonly onCall: CallObserver;
  planned(seconds: number, entries: number, rejected: Rejected): void;
  polled(seconds: number, came: PollCame | null): void;
  happened(events: readonly FleetEvent[]): void;
  /** Events that were stored, and that could not be. */
  recorded(stored: number, dropped: number): void;
  throttled(code: ThrottleCode): void;
  /** Looks at the library at once and every 10 s, for the page, until the signal. Never rejects. */
  watchLibrary(library: WatchedLibrary, clock: Clock, signal: AbortSignal): Promise<void>;
}

export type WatchedLibrary = Pick<Library, 'check' | 'space'>;

/** A hung mount answers nothing, so a scrape shows what was seen last, and when. */
interface LibrarySight {
  readonly online: boolean;
  readonly space: Awaited<ReturnType<Library['space']>>;
  readonly atMs: number;
}

const LIBRARY_LOOK_MS = 10_000;

const CALL_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10];
const PLAN_SECONDS = [0.0005, 0.002, 0.01, 0.05, 0.2, 1];

export function coordinatorMetrics(version: string): CoordinatorMetrics {
  const page = createMetrics({ version, commit: '', nodeVersion: process.version });
  const handled = page.counter({
    name: 'podctl_grpc_handled_total',
    help: 'gRPC calls that ended.',
    labels: ['method', 'code'],
  });
  const handling = page.histogram({
    name: 'podctl_grpc_handling_seconds',
    help: 'How long gRPC calls took.',
    labels: ['method'],
    buckets: CALL_SECONDS,
  });
  const plan = page.histogram({
    name: 'podctl_plan_seconds',
    help: 'How long a plan took.',
    labels: [],
    buckets: PLAN_SECONDS,
  });
  const rejected = page.counter({
    name: 'podctl_plan_entries_rejected_total',
    help: 'Planned assignments that were not written: somebody else wrote first, or their feed or agent was closed since.',
    labels: ['reason'],
  });
  const finished = page.counter({
    name: 'podctl_jobs_finished_total',
    help: 'Attempts that ended, by how they ended; dead ones were the last of their job.',
    labels: ['stage', 'result'],
  });
  // From 0 at the start: a rate over a series that begins at 1 misses its first job.
  for (const stage of STAGES)
    for (const result of Object.values(RESULTS)) finished.add({ stage, result }, 0);
  const lost = page.counter({
    name: 'podctl_leases_expired_total',
    help: 'Agents that fell silent.',
    labels: [],
  });
  const removed = removedAudio(page);
  let sight: LibrarySight | null = null;
  page.addSource(() => (sight === null ? [] : libraryFamilies(sight)));
  return {
    page,
    onCall: (method, code, seconds) => {
      handled.add({ method, code });
      handling.observe({ method }, seconds);
    },
    planned: (seconds, _entries, { conflict, closed }) => {
      plan.observe({}, seconds);
      rejected.add({ reason: 'conflict' }, conflict);
      rejected.add({ reason: 'closed' }, closed);
    },
    polled: pollCounts(page),
    happened: (events) => {
      for (const event of events) {
        const result = RESULTS[event.type];
        if (event.stage !== null && result !== undefined)
          finished.add({ stage: event.stage, result });
        if (event.type === 'agent_lost') lost.add({});
        if (event.type === 'audio_removed') removed.add({});
      }
    },
    recorded: eventCounts(page),
    throttled: throttleCounts(page),
    watchLibrary: async (library, clock, signal) => {
      while (!signal.aborted) {
        sight = await lookAt(library, clock);
        await clock.sleep(LIBRARY_LOOK_MS, signal).catch(() => undefined);
      }
    },
  };
}

function removedAudio(page: Metrics) {
  const removed = page.counter({
    name: 'podctl_audio_removed_total',
    help: 'Episodes whose audio was taken away, since it need not be kept (library.keepAudio).',
    labels: [],
  });
  removed.add({}, 0);
  return removed;
}

async function lookAt(library: WatchedLibrary, clock: Clock): Promise<LibrarySight> {
  const { kind } = await library.check();
  const online = kind === 'online';
  // The folder of a disk that is away lies on another disk, of which this says nothing.
  const space = online ? await library.space().catch(() => null) : null;
  return { online, space, atMs: clock.wallMs() };
}

/** Space that the driver cannot tell is absent. */
function libraryFamilies({ online, space, atMs }: LibrarySight): MetricFamily[] {
  const gauge = (name: string, help: string, value: number | null, labels = {}) =>
    ({ name, type: 'gauge', help, samples: value === null ? [] : [{ labels, value }] }) as const;
  const mount = { mount: 'library' };
  return [
    gauge(
      'podctl_library_online',
      '1 when the library was there at the last look.',
      Number(online),
    ),
    gauge(
      'podctl_library_last_look_timestamp_seconds',
      'When the last look at the library ended; looked at every 10 s.',
      atMs / 1_000,
    ),
    gauge('podctl_storage_free_bytes', 'Room left.', space?.freeBytes ?? null, mount),
    gauge('podctl_storage_size_bytes', 'Room in all.', space?.sizeBytes ?? null, mount),
  ];
}

/** How an attempt ended, by the event that tells it. A skip is no attempt's end: mostly nobody worked on it. */
const RESULTS: { readonly [type in EventType]?: string } = {
  job_done: 'done',
  job_retry: 'failed',
  job_requeued: 'returned',
  job_dead: 'dead',
  job_canceled: 'canceled',
};
