import {
  logVerbosity,
  Server,
  ServerCredentials,
  type ServerOptions,
  type ServiceDefinition,
  setLogVerbosity,
} from '@grpc/grpc-js';
import type { Clock } from '@podctl/platform/clock.ts';
import { type Address, formatAddress } from '@podctl/platform/endpoint.ts';
import type { EventStream } from '@podctl/platform/event-stream.ts';
import { ListenError } from '@podctl/platform/health-server.ts';
import type { Service } from '@podctl/platform/service.ts';
import { HealthImplementation, service as healthServiceDefinition } from 'grpc-health-check';
import { ADD_FEEDS_BYTES_MAX } from '../core/rpc-roles.ts';
import type { Access } from '../shell/access.ts';
import type { AuditedCall } from '../shell/audit-log.ts';
import type { Fleet } from '../shell/fleet.ts';
import type { TranscriptSearch } from '../shell/transcript-index.ts';
import { accessService, accessServiceDefinition } from './access-service.ts';
import { agentService, agentServiceDefinition } from './agent-service.ts';
import { backupService, backupServiceDefinition } from './backup-service.ts';
import { CallGate } from './call-gate.ts';
import type { Diagnose } from './diagnosis.ts';
import { episodeService, episodeServiceDefinition } from './episode-service.ts';
import { eventService, eventServiceDefinition } from './event-service.ts';
import { feedService, feedServiceDefinition } from './feed-service.ts';
import { fleetService, fleetServiceDefinition } from './fleet-service.ts';
import { GrpcListener, type ServerCertificate } from './grpc-listener.ts';
import type { CallRefusal } from './grpc-metrics.ts';
import { type CallObserver, Handlers } from './handler.ts';
import { hostService, hostServiceDefinition } from './host-service.ts';
import { jobService, jobServiceDefinition } from './job-service.ts';
import { libraryService, libraryServiceDefinition } from './library-service.ts';
import { lockService, lockServiceDefinition } from './lock-service.ts';
import { qualityService, qualityServiceDefinition } from './quality-service.ts';
import { Reflection, reflectionDefinitions } from './reflection.ts';
import { reportService, reportServiceDefinition } from './report-service.ts';
import { STOPPING } from './status.ts';
import { transcriptService, transcriptServiceDefinition } from './transcript-service.ts';
import { judgeUnknownMethods } from './unknown-methods.ts';
import { WatchHub } from './watch-hub.ts';

export interface GrpcServerOptions {
  /** Port 0 takes a free one. */
  readonly listen: Address;
  readonly fleet: Fleet;
  readonly clock: Clock;
  /** Null: whoever reaches it may do everything, so it must listen on loopback. */
  readonly security: GrpcSecurity | null;
  /** What GetDiagnosis answers; absent: it is refused. */
  readonly diagnose?: Diagnose;
  /** What EventService reads; absent: it is refused. */
  readonly eventStream?: EventStream | null;
  /** What SearchTranscripts asks; absent: it is refused. */
  readonly search?: TranscriptSearch;
  readonly onCall: CallObserver;
  /** An error that nobody expected, for the log. */
  readonly onBug: (method: string, error: unknown) => void;
  /** Calls that changed something and calls that were refused, for the audit log. */
  readonly onAudit: (call: AuditedCall) => void;
  readonly onRefused: (reason: CallRefusal) => void;
}

export interface GrpcSecurity {
  /** Asked at each connection. */
  readonly tls: () => ServerCertificate;
  readonly access: Access;
}

/** Calls that run get this long to take the news of a stop before their connections are cut. */
const STOP_GRACE_MS = 2_000;

const MIB = 1_024 * 1_024;

const serverOptions: ServerOptions = {
  // Each method has its own limit below it (rpc-roles.ts).
  'grpc.max_receive_message_length': ADD_FEEDS_BYTES_MAX,
  // The snapshot of Watch is one message: 300 bytes a feed.
  'grpc.max_send_message_length': 256 * MIB,
  'grpc.max_concurrent_streams': 1_000,
  // As often as the clients ping: a dead watcher's stream ends within 40 s, and not with TCP's patience.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
};
/** To strangers. */
const secureOptions: ServerOptions = {
  ...serverOptions,
  'grpc.max_concurrent_streams': 128,
  // A client that goes on later connects anew by itself.
  'grpc.max_connection_idle_ms': 5 * 60_000,
};

/** Everything that can be called. */
export const serviceDefinitions: readonly ServiceDefinition[] = [
  fleetServiceDefinition,
  feedServiceDefinition,
  episodeServiceDefinition,
  transcriptServiceDefinition,
  agentServiceDefinition,
  lockServiceDefinition,
  reportServiceDefinition,
  qualityServiceDefinition,
  jobServiceDefinition,
  backupServiceDefinition,
  libraryServiceDefinition,
  accessServiceDefinition,
  eventServiceDefinition,
  hostServiceDefinition,
  healthServiceDefinition,
  ...reflectionDefinitions,
];

/** The podctl.v1 API and grpc.health.v1 on one port. */
export class GrpcServer implements Service {
  readonly name = 'grpc server';
  readonly #options: GrpcServerOptions;
  readonly #gate: CallGate;
  readonly #handlers: Handlers;
  readonly #hub: WatchHub;
  readonly #health = new HealthImplementation();
  readonly #reflection = new Reflection();
  readonly #server: Server;
  readonly #listener: GrpcListener;
  readonly #forget: () => void;
  #started: Promise<number> | null = null;
  #stopped: Promise<void> | null = null;
  #address: Address | null = null;

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    const { fleet, clock, security, listen, onCall, onBug, onRefused } = options;
    this.#gate = new CallGate({ ...options, access: security?.access ?? null });
    const limits = security === null ? serverOptions : secureOptions;
    this.#server = new Server({ ...limits, interceptors: [this.#gate.intercept] });
    judgeUnknownMethods(this.#server);
    this.#handlers = new Handlers({ gate: this.#gate, clock, onCall, onBug });
    this.#hub = new WatchHub(fleet, clock, (error) => onBug('Watch', error));
    this.#addServices();
    const injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    this.#listener = new GrpcListener({
      listen,
      clock,
      tls: security?.tls ?? null,
      onConnection: (socket) => injector.injectConnection(socket),
      onRefused,
      onBug: (error) => onBug('connection', error),
    });
    this.#forget = security?.access.onChange(() => this.#handlers.endRevoked()) ?? (() => {});
    this.setServing(false);
  }

  /** Where it listens; null until started. */
  get address(): Address | null {
    return this.#address;
  }

  get watchers(): number {
    return this.#hub.watchers;
  }

  /** What grpc.health.v1 answers for the whole server; false until told otherwise. */
  setServing(serving: boolean): void {
    this.#health.setStatus('', serving ? 'SERVING' : 'NOT_SERVING');
  }

  /** From now on calls are refused with UNAVAILABLE, as before a stop; those that run go on. */
  refuseCalls(): void {
    this.setServing(false);
    this.#handlers.refuse(STOPPING);
  }

  async start(): Promise<void> {
    const { listen } = this.#options;
    // What goes wrong is told by errors; grpc-js would also print it, in its own form, on stderr.
    setLogVerbosity(logVerbosity.NONE);
    this.#started ??= this.#bind();
    try {
      this.#address = { host: listen.host, port: await this.#started };
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Ends every call with UNAVAILABLE, and after a while by force. */
  stop(): Promise<void> {
    this.#stopped ??= this.#shutDown();
    return this.#stopped;
  }

  #addServices(): void {
    const { fleet, clock, security, diagnose = null, search = null } = this.#options;
    const server = this.#server;
    const handlers = this.#handlers;
    server.addService(
      fleetServiceDefinition,
      fleetService(fleet, handlers, this.#hub, clock, diagnose),
    );
    server.addService(feedServiceDefinition, feedService(fleet, handlers));
    server.addService(episodeServiceDefinition, episodeService(fleet, handlers));
    server.addService(transcriptServiceDefinition, transcriptService(fleet, handlers, search));
    server.addService(
      agentServiceDefinition,
      agentService(fleet, handlers, security?.access ?? null),
    );
    server.addService(lockServiceDefinition, lockService(fleet, handlers));
    server.addService(hostServiceDefinition, hostService(fleet, handlers));
    server.addService(reportServiceDefinition, reportService(fleet, handlers));
    server.addService(qualityServiceDefinition, qualityService(fleet, handlers));
    server.addService(jobServiceDefinition, jobService(fleet, handlers, clock));
    server.addService(backupServiceDefinition, backupService(fleet, handlers, clock));
    server.addService(libraryServiceDefinition, libraryService(fleet, handlers, clock));
    const access = accessService(security?.access ?? null, handlers, clock);
    server.addService(accessServiceDefinition, access);
    const { eventStream = null } = this.#options;
    server.addService(eventServiceDefinition, eventService(eventStream, handlers, clock));
    this.#health.addToServer(server);
    const { serverReflectionInfo } = this.#reflection;
    for (const definition of reflectionDefinitions)
      server.addService(definition, { serverReflectionInfo });
  }

  async #bind(): Promise<number> {
    try {
      return await this.#listener.start();
    } catch (error) {
      throw new ListenError('grpc', whyNotBound(formatAddress(this.#options.listen), error), error);
    }
  }

  async #shutDown(): Promise<void> {
    this.#forget();
    this.setServing(false);
    this.#handlers.stop(STOPPING);
    this.#gate.endOpen(STOPPING);
    this.#reflection.stop(STOPPING);
    // One that is starting is bound first, or its port would be left open.
    await this.#started?.catch(() => undefined);
    const over = new AbortController();
    const closed = this.#listener.close();
    const polite = new Promise<void>((resolve) => {
      this.#server.tryShutdown(() => resolve());
    });
    const limit = this.#options.clock.sleep(STOP_GRACE_MS, over.signal).catch(() => undefined);
    await Promise.race([Promise.all([polite, closed]), limit]);
    over.abort();
    this.#server.forceShutdown();
    this.#listener.cut();
    await Promise.all([polite, closed]);
  }
}

function whyNotBound(address: string, error: unknown): string {
  const setting = 'coordinator.grpc.listen';
  const why = error instanceof Error ? error.message : String(error);
  if (why.includes('EADDRINUSE'))
    return `the address ${address} is taken by another program: stop that one, or set ${setting} to another address`;
  if (why.includes('EADDRNOTAVAIL'))
    return `the address ${address} is none of this machine's: set ${setting} to one that is`;
  if (why.includes('EACCES'))
    return `this user may not listen on ${address}: set ${setting} to a port above 1023`;
  return `cannot listen on ${address} (${why}): set ${setting} to host:port`;
}
