import { randomBytes } from 'node:crypto';
import { firstRevision } from '@podctl/domain/first-revision.ts';
import { BUCKETS } from '@podctl/domain/key.ts';
import { guardedAgent } from '@podctl/platform/address-guard.ts';
import { type CoordinatorBootstrap, natsAuth } from '@podctl/platform/bootstrap.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { formatAddress, writeEndpoint } from '@podctl/platform/endpoint.ts';
import { HealthServer } from '@podctl/platform/health-server.ts';
import type { FileLibrary } from '@podctl/platform/library/file-library.ts';
import type { MainContext } from '@podctl/platform/lifecycle.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import { type BucketOptions, openBucket } from '@podctl/platform/nats/bucket.ts';
import { natsBus } from '@podctl/platform/nats/bus.ts';
import { connectNats, type NatsLink, NatsRefused } from '@podctl/platform/nats/connection.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { natsFamilies } from '@podctl/platform/nats/metrics.ts';
import { startAll, stopAll } from '@podctl/platform/service.ts';
import packageJson from '../package.json' with { type: 'json' };
import { byteMetrics } from './api/byte-metrics.ts';
import { ByteServer } from './api/byte-server.ts';
import { fleetMetrics, tailFamilies } from './api/fleet-metrics.ts';
import { GrpcServer } from './api/grpc-server.ts';
import { type CoordinatorMetrics, coordinatorMetrics } from './api/metrics.ts';
import { coordinatorSettings } from './config.ts';
import { aborted, Coordinator } from './coordinator.ts';
import type { CoordinatorPorts } from './ports.ts';
import { openOrCreateLibrary } from './shell/library-folder.ts';

/** To one host, all polls together. */
const FEED_CONNECTIONS = { connectionsMax: 4, connectTimeoutMs: 10_000 };
/** Room for one lost renewal within the trust. */
const LEAD_TIMEOUT_MS = 1_500;

/** What stands between a coordinator and what it touches: a test may put its own in the way. */
export type WrapPorts = (ports: CoordinatorPorts) => CoordinatorPorts;

/**
 * A coordinator's whole life, until it is asked to stop or cannot go on. Resolves to its exit code.
 *
 * @param wrap is given every port there is, once, before any is used.
 */
export async function runCoordinator(
  bootstrap: CoordinatorBootstrap,
  log: Logger,
  { signal, force }: MainContext,
  wrap: WrapPorts = (ports) => ports,
): Promise<number> {
  const metrics = coordinatorMetrics(packageJson.version);
  const library = await openOrCreateLibrary(bootstrap.libraryRoot, bootstrap.stateDir);
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => {});
  const link = await connect(bootstrap, log, signal, lost.reject);
  const { allowPrivate } = bootstrap.settings.network;
  const dispatcher = guardedAgent({ allowPrivate, ...FEED_CONNECTIONS });
  const address = () => (grpc.address === null ? '' : formatAddress(grpc.address));
  const known = { version: packageJson.version, address, libraryId: library.id, dispatcher };
  const ports = wrap(
    await portsOf(link, library, bootstrap.settings.nats.replicas, log, metrics, signal),
  );
  const coordinator = new Coordinator(ports, coordinatorSettings(bootstrap, known));
  const grpc = new GrpcServer({
    listen: bootstrap.grpcListen,
    fleet: coordinator,
    clock: systemClock,
    onCall: metrics.onCall,
    onBug: (method, error) => log.error({ method, err: error }, 'a call failed unexpectedly'),
  });
  const http = healthServer(bootstrap, log, metrics, coordinator, link);
  const bytes = byteServer(bootstrap, log, metrics, coordinator, library);
  const endpoint = () => ({
    grpc: address(),
    http: http.address ?? '',
    ...(bytes?.address == null ? {} : { bytes: bytes.address }),
  });
  const services = [http, grpc, ...(bytes === null ? [] : [bytes]), coordinator];
  metrics.page.addSource(() => [
    ...fleetMetrics(coordinator.picture(), coordinator.info(), grpc.watchers),
    ...tailFamilies(coordinator.tailState(), coordinator.picture().now),
    ...natsFamilies('coordinator', link),
  ]);
  void metrics.watchLibrary(library, systemClock, signal);
  try {
    // Whoever stops it while the state is loaded does not wait for that.
    const started = startAll(services);
    started.catch(() => {});
    await Promise.race([started, aborted(signal), lost.promise]);
    if (signal.aborted) return 0;
    grpc.setServing(true);
    if (bootstrap.endpointFile !== null) await writeEndpoint(bootstrap.endpointFile, endpoint());
    log.info(endpoint(), 'ready');
    await Promise.race([aborted(signal), coordinator.broken(), lost.promise]);
    return 0;
  } finally {
    grpc.refuseCalls();
    const end = async () => {
      await stopAll(services);
      await link.close();
      await dispatcher.destroy();
      metrics.page.close();
    };
    // Whoever asks again wants it to be over, though a NATS server that does not answer may have the lead until it expires.
    await Promise.race([end(), aborted(force)]);
  }
}

/** On the library's own folder: whoever wraps the ports has nothing to do with what agents send. */
function byteServer(
  bootstrap: CoordinatorBootstrap,
  log: Logger,
  { page }: CoordinatorMetrics,
  fleet: Coordinator,
  library: FileLibrary,
): ByteServer | null {
  const { bytesListen: listen, settings } = bootstrap;
  if (listen === null) return null;
  const floorBytes = settings.library.freeFloorBytes;
  return new ByteServer({ listen, fleet, library, floorBytes, metrics: byteMetrics(page), log });
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
    ...coordinator.checks(),
  ];
  const metrics = () => page.render();
  return new HealthServer({ listen, setting: 'coordinator.http.listen', checks, metrics, logger });
}

function connect(
  bootstrap: CoordinatorBootstrap,
  log: Logger,
  signal: AbortSignal,
  lost: (reason: Error) => void,
) {
  const { nats } = bootstrap;
  return connectNats(
    { servers: nats.servers, name: 'podctl-coordinator', auth: natsAuth(nats) },
    {
      clock: systemClock,
      random: Math.random,
      listen: (event) => {
        if (event.kind === 'trouble')
          log.warn({ reason: event.error.message }, 'trouble with NATS');
        else if (event.kind === 'closed' && event.error !== null)
          // Not to come back: what refuses us now would be asked for ever.
          lost(new NatsRefused(event.error.message, event.error));
        else log.info({}, `NATS is ${event.kind}`);
      },
    },
    signal,
  );
}

async function portsOf(
  link: NatsLink,
  library: CoordinatorPorts['library'],
  replicas: number,
  log: Logger,
  metrics: CoordinatorMetrics,
  signal: AbortSignal,
): Promise<CoordinatorPorts> {
  const onError = (error: unknown) => log.warn({ err: error }, 'trouble with a bucket');
  const kv = async (name: string, more: Partial<BucketOptions> = {}) => {
    const options = { name, replicas, ...more };
    const bucket = await openBucket(link, options, systemClock, signal);
    return natsKv(bucket, { clock: systemClock, random: Math.random, onError });
  };
  return {
    clock: systemClock,
    bus: natsBus(link.nc, (error) => log.error({ err: error }, 'a message handler failed')),
    state: await kv(BUCKETS.state, { firstRevision: firstRevision(systemClock.wallMs()) }),
    meta: await kv(BUCKETS.meta),
    lead: await kv(BUCKETS.lead, { timeoutMs: LEAD_TIMEOUT_MS }),
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
