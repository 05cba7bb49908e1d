import { randomBytes } from 'node:crypto';
import { BUCKETS } from '@podctl/domain/key.ts';
import { guardedAgent } from '@podctl/platform/address-guard.ts';
import { type CoordinatorBootstrap, readBootstrap } from '@podctl/platform/bootstrap.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { SettingsError } from '@podctl/platform/config/settings-error.ts';
import { formatAddress, writeEndpoint } from '@podctl/platform/endpoint.ts';
import { HealthServer, ListenError } from '@podctl/platform/health-server.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import { type MainContext, runMain } from '@podctl/platform/lifecycle.ts';
import { createLogger, type Logger } from '@podctl/platform/logger.ts';
import { openBucket } from '@podctl/platform/nats/bucket.ts';
import { natsBus } from '@podctl/platform/nats/bus.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { natsFamilies } from '@podctl/platform/nats/metrics.ts';
import { startAll, stopAll } from '@podctl/platform/service.ts';
import packageJson from '../package.json' with { type: 'json' };
import { fleetMetrics } from './api/fleet-metrics.ts';
import { GrpcServer } from './api/grpc-server.ts';
import { type CoordinatorMetrics, coordinatorMetrics } from './api/metrics.ts';
import { coordinatorSettings } from './config.ts';
import { aborted, Coordinator } from './coordinator.ts';
import type { CoordinatorPorts } from './ports.ts';
import { openOrCreateLibrary } from './shell/library-folder.ts';

/** Exit codes: 0 it stopped as asked; 1 it cannot go on (library, NATS, port); 2 a setting is wrong; 70 a bug. */
const EXIT_UNUSABLE = 1;
const EXIT_SETTINGS = 2;
const STOP_MS_MAX = 8_000;
/** To one host, all polls together. */
const FEED_CONNECTIONS = { connectionsMax: 4, connectTimeoutMs: 10_000 };
/** Room for one lost renewal within the trust. */
const LEAD_TIMEOUT_MS = 1_500;

const startLog = createLogger({ level: 'info', component: 'coordinator' });
await runMain(main, {
  graceMs: STOP_MS_MAX,
  onCrash: (error) => startLog.error({ err: error }, 'the coordinator ends unexpectedly'),
});

async function main(context: MainContext): Promise<number> {
  try {
    const bootstrap = await readBootstrap('coordinator', process.env);
    const { level } = bootstrap.settings.log;
    return await run(bootstrap, createLogger({ level, component: 'coordinator' }), context);
  } catch (error) {
    if (error instanceof SettingsError || isExpected(error)) {
      startLog.error({}, error.message);
      return error instanceof SettingsError ? EXIT_SETTINGS : EXIT_UNUSABLE;
    }
    throw error;
  }
}

async function run(
  bootstrap: CoordinatorBootstrap,
  log: Logger,
  { signal }: MainContext,
): Promise<number> {
  const metrics = coordinatorMetrics(packageJson.version);
  const library = await openOrCreateLibrary(bootstrap.libraryRoot, bootstrap.stateDir);
  const link = await connect(bootstrap, log, signal);
  const { allowPrivate } = bootstrap.settings.network;
  const dispatcher = guardedAgent({ allowPrivate, ...FEED_CONNECTIONS });
  const address = () => (grpc.address === null ? '' : formatAddress(grpc.address));
  const known = { version: packageJson.version, address, libraryId: library.id, dispatcher };
  const ports = await portsOf(link, library, log, metrics, signal);
  const coordinator = new Coordinator(ports, coordinatorSettings(bootstrap, known));
  const grpc = new GrpcServer({
    listen: bootstrap.grpcListen,
    fleet: coordinator,
    clock: systemClock,
    onCall: metrics.onCall,
    onBug: (method, error) => log.error({ method, err: error }, 'a call failed unexpectedly'),
  });
  const http = healthServer(bootstrap, log, metrics, coordinator, link);
  metrics.page.addSource(() => [
    ...fleetMetrics(coordinator.picture(), coordinator.info(), grpc.watchers),
    ...natsFamilies('coordinator', link),
  ]);
  try {
    await startAll([http, grpc, coordinator]);
    grpc.setServing(true);
    if (bootstrap.endpointFile !== null)
      await writeEndpoint(bootstrap.endpointFile, { grpc: address(), http: http.address ?? '' });
    log.info({ grpc: address(), http: http.address }, 'ready');
    await Promise.race([aborted(signal), coordinator.broken()]);
    return 0;
  } finally {
    await stopAll([http, grpc, coordinator]);
    await link.close();
    await dispatcher.destroy();
    metrics.page.close();
  }
}

function healthServer(
  { httpListen: listen }: CoordinatorBootstrap,
  logger: Logger,
  { page }: CoordinatorMetrics,
  coordinator: Coordinator,
  link: NatsLink,
): HealthServer {
  const checks = () => [
    { name: 'nats', ok: link.isConnected(), detail: link.nc.getServer() },
    { name: 'state', ok: coordinator.isLoaded(), detail: `tail ${coordinator.tailState().phase}` },
  ];
  const metrics = () => page.render();
  return new HealthServer({ listen, setting: 'coordinator.http.listen', checks, metrics, logger });
}

function connect(bootstrap: CoordinatorBootstrap, log: Logger, signal: AbortSignal) {
  const { natsUrl, natsUser, natsPassword } = bootstrap;
  const auth =
    natsUser === null || natsPassword === null
      ? ({ kind: 'none' } as const)
      : ({ kind: 'password', user: natsUser, password: natsPassword } as const);
  return connectNats(
    { servers: [natsUrl], name: 'podctl-coordinator', auth },
    {
      clock: systemClock,
      random: Math.random,
      listen: (event) => {
        if (event.kind === 'trouble')
          log.warn({ reason: event.error.message }, 'trouble with NATS');
        else log.info({}, `NATS is ${event.kind}`);
      },
    },
    signal,
  );
}

async function portsOf(
  link: NatsLink,
  library: CoordinatorPorts['library'],
  log: Logger,
  metrics: CoordinatorMetrics,
  signal: AbortSignal,
): Promise<CoordinatorPorts> {
  const onError = (error: unknown) => log.warn({ err: error }, 'trouble with a bucket');
  const kv = async (name: string, timeoutMs?: number) => {
    const options = {
      name,
      replicas: 1,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    } as const;
    const bucket = await openBucket(link, options, systemClock, signal);
    return natsKv(bucket, { clock: systemClock, random: Math.random, onError });
  };
  return {
    clock: systemClock,
    bus: natsBus(link.nc, (error) => log.error({ err: error }, 'a message handler failed')),
    state: await kv(BUCKETS.state),
    meta: await kv(BUCKETS.meta),
    lead: await kv(BUCKETS.lead, LEAD_TIMEOUT_MS),
    library,
    log,
    connected: () => link.isConnected(),
    natsVersion: () => link.nc.info?.version ?? '',
    randomBytes: (count) => randomBytes(count),
    random: Math.random,
    planned: metrics.planned,
    polled: metrics.polled,
    happened: metrics.happened,
  };
}

/** What a person can mend: told as one sentence, without a stack. */
function isExpected(error: unknown): error is Error {
  return error instanceof LibraryError || error instanceof ListenError;
}
