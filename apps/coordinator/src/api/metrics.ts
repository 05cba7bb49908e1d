import { createMetrics, type Metrics } from '@podctl/platform/metrics.ts';
import type { CallObserver } from './handler.ts';

/** What the coordinator counts as it happens; the rest of its page is worked out from the picture at each scrape. */
export interface CoordinatorMetrics {
  readonly page: Metrics;
  readonly onCall: CallObserver;
  planned(seconds: number, entries: number, rejected: number): void;
  natsChanged(isConnected: boolean): void;
}

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
    help: 'Planned assignments that lost their write to somebody else.',
    labels: ['reason'],
  });
  const connected = page.gauge({
    name: 'podctl_nats_connected',
    help: 'Whether this process is connected to NATS.',
    labels: ['component'],
  });
  const reconnects = page.counter({
    name: 'podctl_nats_reconnects_total',
    help: 'Connections to NATS after the first.',
    labels: ['component'],
  });
  const component = 'coordinator';
  let connections = 0;
  return {
    page,
    onCall: (method, code, seconds) => {
      handled.add({ method, code });
      handling.observe({ method }, seconds);
    },
    planned: (seconds, _entries, lost) => {
      plan.observe({}, seconds);
      rejected.add({ reason: 'conflict' }, lost);
    },
    natsChanged: (isConnected) => {
      connected.set({ component }, isConnected ? 1 : 0);
      if (isConnected && connections++ > 0) reconnects.add({ component });
    },
  };
}
