import { createMetrics, type Metrics } from '@podctl/platform/metrics.ts';
import type { EventType, FleetEvent } from '../core/event.ts';
import type { CallObserver } from './handler.ts';

/** What the coordinator counts as it happens; the rest of its page is worked out from the picture at each scrape. */
export interface CoordinatorMetrics {
  readonly page: Metrics;
  readonly onCall: CallObserver;
  planned(seconds: number, entries: number, rejected: number): void;
  polled(seconds: number): void;
  happened(events: readonly FleetEvent[]): void;
}

const CALL_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10];
const POLL_SECONDS = [0.05, 0.2, 1, 5, 20, 60];
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
    help: 'Planned assignments that lost their write to somebody else.',
    labels: ['reason'],
  });
  const polls = page.histogram({
    name: 'podctl_feed_poll_duration_seconds',
    help: 'How long it took to read a feed, good or bad.',
    labels: [],
    buckets: POLL_SECONDS,
  });
  const finished = page.counter({
    name: 'podctl_jobs_finished_total',
    help: 'Attempts that ended, by how they ended; dead ones were the last of their job.',
    labels: ['stage', 'result'],
  });
  const lost = page.counter({
    name: 'podctl_leases_expired_total',
    help: 'Agents that fell silent.',
    labels: [],
  });
  return {
    page,
    onCall: (method, code, seconds) => {
      handled.add({ method, code });
      handling.observe({ method }, seconds);
    },
    planned: (seconds, _entries, conflicts) => {
      plan.observe({}, seconds);
      rejected.add({ reason: 'conflict' }, conflicts);
    },
    polled: (seconds) => polls.observe({}, seconds),
    happened: (events) => {
      for (const { type, stage } of events) {
        const result = RESULTS[type];
        if (stage !== null && result !== undefined) finished.add({ stage, result });
        if (type === 'agent_lost') lost.add({});
      }
    },
  };
}

/** How an attempt ended, by the event that tells it. */
const RESULTS: { readonly [type in EventType]?: string } = {
  job_done: 'done',
  job_retry: 'failed',
  job_requeued: 'returned',
  job_dead: 'dead',
};
