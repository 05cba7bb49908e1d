import { randomBytes } from 'node:crypto';
import { firstRevision } from '@podctl/domain/first-revision.ts';
import type { AgentId } from '@podctl/domain/ids.ts';
import { BUCKETS } from '@podctl/domain/key.ts';
import { guardedAgent } from '@podctl/platform/address-guard.ts';
import type { Authority } from '@podctl/platform/authority/authority.ts';
import type { CoordinatorBootstrap } from '@podctl/platform/bootstrap.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { formatAddress, isLoopback, writeEndpoint } from '@podctl/platform/endpoint.ts';
import { HealthServer } from '@podctl/platform/health-server.ts';
import type { Kv } from '@podctl/platform/kv.ts';
import type { DirectAccess } from '@podctl/platform/library/direct-access.ts';
import type { Library } from '@podctl/platform/library.ts';
import type { MainContext } from '@podctl/platform/lifecycle.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import { metricsToken } from '@podctl/platform/metrics-token.ts';
import { type BucketOptions, openBucket } from '@podctl/platform/nats/bucket.ts';
import { natsBus } from '@podctl/platform/nats/bus.ts';
import { connectNats, type NatsLink, NatsRefused } from '@podctl/platform/nats/connection.ts';
import { NatsEventStream } from '@podctl/platform/nats/event-stream.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { natsFamilies } from '@podctl/platform/nats/metrics.ts';
import { natsLogin } from '@podctl/platform/nats-login.ts';
import { type Service, startAll, stopAll } from '@podctl/platform/service.ts';
import packageJson from '../package.json' with { type: 'json' };
import { accessMetrics } from './api/access-metrics.ts';
import { byteMetrics } from './api/byte-metrics.ts';
import { ByteServer } from './api/byte-server.ts';
import { diagnosing } from './api/diagnosis.ts';
import { fleetMetrics, logFamilies, tailFamilies } from './api/fleet-metrics.ts';
import { grpcRefusals } from './api/grpc-metrics.ts';
import { GrpcServer } from './api/grpc-server.ts';
import { type CoordinatorMetrics, coordinatorMetrics } from './api/metrics.ts';
import { searchMetrics } from './api/search-metrics.ts';
import { coordinatorSettings } from './config.ts';
import { Coordinator } from './coordinator.ts';
import type { FleetEvent } from './core/event.ts';
import type { Picture } from './core/view.ts';
import type { CoordinatorPorts } from './ports.ts';
import { fleetKeys, openSecurity, type Security } from './security.ts';
import { aborted } from './shell/aborted.ts';
import { AuditLog } from './shell/audit-log.ts';
import { openLibraryOf } from './shell/library-folder.ts';
import { TranscriptIndex } from './shell/transcript-index.ts';

/** To one host, all polls together. A feed is asked again in minutes at the soonest: ten thousand hosts would keep as many sockets. */
const FEED_CONNECTIONS = { connectionsMax: 4, connectTimeoutMs: 10_000, keepAliveMsMax: 4_000 };
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
  const authority = await fleetKeys(bootstrap);
  const token = await metricsToken(bootstrap.metricsTokenFile);
  const metrics = coordinatorMetrics(packageJson.version);
  const { library, direct } = await openLibraryOf(bootstrap);
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => {});
  const link = await connect(bootstrap, authority, log, signal, lost.reject);
  const openKv = bucketsAt(link, bootstrap.settings.nats.replicas, log, signal);
  const byteAddress = () => bytes?.address ?? null;
  const isLive = (agent: AgentId) => isLiveIn(coordinator.picture(), agent);
  const audit = new AuditLog(log, systemClock, accessMetrics(metrics.page));
  const of = { bootstrap, log, audit, page: metrics.page, byteAddress, isLive, openKv };
  const security = await openSecurity(authority, of);
  const { allowPrivate } = bootstrap.settings.network;
  const dispatcher = guardedAgent({ allowPrivate, ...FEED_CONNECTIONS });
  const address = () => (grpc.address === null ? '' : formatAddress(grpc.address));
  const at = { address, metricsAddress: () => http.address ?? '' };
  const known = { version: packageJson.version, ...at, libraryId: library.id, dispatcher };
  const told = { ...metrics, happened: both(metrics.happened, (events) => search.noted(events)) };
  const ports = wrap(await portsOf(link, bootstrap, library, openKv, log, told, security));
  const coordinator = new Coordinator(ports, coordinatorSettings(bootstrap, known));
  const search = searchIn(coordinator, bootstrap, metrics, log);
  const own = { bootstrap, log, audit, metrics, coordinator, search };
  const parts: ServerParts = { ...own, link, library, direct, security, ports };
  const grpc = grpcServer(parts);
  const http = healthServer(parts, token);
  const bytes = byteServer(parts);
  const endpoint = () => {
    const byteEndpoint = bytes?.address == null ? {} : { bytes: bytes.address };
    return { grpc: address(), http: http.address ?? '', ...byteEndpoint };
  };
  const services = inOrder(parts, http, grpc, bytes);
  showFleet(parts, grpc);
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

type Happened = (events: readonly FleetEvent[]) => void;

function both(first: Happened, second: Happened): Happened {
  return (events) => {
    first(events);
    second(events);
  };
}

/** In the coordinator's own folder, since each keeps one for itself. */
function searchIn(
  fleet: Coordinator,
  { stateDir: folder }: CoordinatorBootstrap,
  { page }: CoordinatorMetrics,
  log: Logger,
): TranscriptIndex {
  const searched = searchMetrics(page, () => index.status());
  const index = new TranscriptIndex({ folder, fleet, clock: systemClock, log, searched });
  return index;
}

function showFleet({ metrics, coordinator, link }: ServerParts, grpc: GrpcServer): void {
  metrics.page.addSource(() => [
    ...fleetMetrics(coordinator.picture(), coordinator.info(), grpc.watchers),
    ...tailFamilies(coordinator.tailState(), coordinator.picture().now),
    ...logFamilies(coordinator.logs.counts()),
    ...natsFamilies('coordinator', link),
  ]);
}

function isLiveIn({ snapshot }: Picture, agent: AgentId): boolean {
  return snapshot.sessions.get(agent)?.record.state === 'live';
}

interface ServerParts {
  readonly bootstrap: CoordinatorBootstrap;
  readonly log: Logger;
  readonly audit: AuditLog;
  readonly metrics: CoordinatorMetrics;
  readonly coordinator: Coordinator;
  readonly link: NatsLink;
  readonly library: Library;
  /** Of a library that agents reach themselves. */
  readonly direct?: DirectAccess | undefined;
  readonly security: Security | null;
  readonly ports: CoordinatorPorts;
  readonly search: TranscriptIndex;
}

function grpcServer({
  bootstrap,
  log,
  audit,
  metrics,
  coordinator,
  link,
  library,
  security,
  ports,
  search,
}: ServerParts) {
  const { settings, stateDir, grpcListen: listen } = bootstrap;
  const { replicas } = settings.nats;
  const { freeFloorBytes } = settings.library;
  const clock = systemClock;
  return new GrpcServer({
    ...{ listen, fleet: coordinator, clock, search },
    security:
      security === null
        ? null
        : { tls: () => security.certificate.current(), access: security.access },
    eventStream: ports.eventStream ?? null,
    diagnose: diagnosing({ link, library, stateDir, replicas, freeFloorBytes, clock }),
    onCall: metrics.onCall,
    onBug: (method, error) => log.error({ method, err: error }, 'a call failed unexpectedly'),
    onAudit: (call) => audit.noteCall(call),
    onRefused: grpcRefusals(metrics.page),
  });
}

function inOrder(
  { audit, security, search, coordinator }: ServerParts,
  http: Service,
  grpc: Service,
  bytes: Service | null,
): readonly Service[] {
  return [
    // Stopped last: what the others refuse until then is told.
    audit,
    ...(security?.first ?? []),
    http,
    ...(security?.second ?? []),
    grpc,
    ...(bytes === null ? [] : [bytes]),
    search,
    coordinator,
  ];
}

/** On the library's own folder: whoever wraps the ports has nothing to do with what agents send. */
function byteServer(parts: ServerParts): ByteServer | null {
  const { bootstrap, log, metrics, coordinator: fleet, library, direct, security } = parts;
  const { bytesListen: listen, settings } = bootstrap;
  if (listen === null) return null;
  const floorBytes = settings.library.freeFloorBytes;
  return new ByteServer({
    ...{ listen, fleet, library, direct, floorBytes, log },
    metrics: byteMetrics(metrics.page),
    security: security ?? undefined,
  });
}

/** Over TLS where other machines reach it. */
function healthServer(parts: ServerParts, token: string | null): HealthServer {
  const { bootstrap, log, metrics, coordinator, link, security } = parts;
  const { httpListen: listen } = bootstrap;
  const checks = () => [
    { name: 'nats', ok: link.isConnected(), detail: link.nc.getServer() },
    ...coordinator.checks(),
  ];
  return new HealthServer({
    ...{ listen, checks, token },
    setting: 'coordinator.http.listen',
    metrics: () => metrics.page.render(),
    logger: log,
    ...(security === null || isLoopback(listen.host)
      ? {}
      : { tls: () => security.certificate.current() }),
  });
}

async function connect(
  { nats }: CoordinatorBootstrap,
  authority: Authority | null,
  log: Logger,
  signal: AbortSignal,
  lost: (reason: Error) => void,
) {
  return await connectNats(
    { ...(await natsLogin(nats, authority)), name: 'podctl-coordinator' },
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

type OpenKv = (name: string, more?: Partial<BucketOptions>) => Promise<Kv>;

function bucketsAt(link: NatsLink, replicas: number, log: Logger, signal: AbortSignal): OpenKv {
  const onError = (error: unknown) => log.warn({ err: error }, 'trouble with a bucket');
  return async (name, more = {}) => {
    const options = { name, replicas, ...more };
    const bucket = await openBucket(link, options, systemClock, signal);
    return natsKv(bucket, { clock: systemClock, random: Math.random, onError });
  };
}

async function portsOf(
  link: NatsLink,
  { settings }: CoordinatorBootstrap,
  library: CoordinatorPorts['library'],
  openKv: OpenKv,
  log: Logger,
  metrics: CoordinatorMetrics,
  security: Security | null,
): Promise<CoordinatorPorts> {
  const { state, meta, lead } = BUCKETS;
  const { replicas } = settings.nats;
  return {
    clock: systemClock,
    bus: natsBus(link.nc, (error) => log.error({ err: error }, 'a message handler failed')),
    state: await openKv(state, { firstRevision: firstRevision(systemClock.wallMs()) }),
    meta: await openKv(meta),
    lead: await openKv(lead, { timeoutMs: LEAD_TIMEOUT_MS }),
    library,
    log,
    eventStream: new NatsEventStream(link, { replicas, ...settings.events }),
    ...(security === null ? {} : { putOut: security.putOut }),
    connected: () => link.isConnected(),
    natsVersion: () => link.nc.info?.version ?? '',
    randomBytes: (count) => randomBytes(count),
    random: Math.random,
    planned: metrics.planned,
    polled: metrics.polled,
    happened: metrics.happened,
    recorded: metrics.recorded,
    throttled: metrics.throttled,
  };
}
