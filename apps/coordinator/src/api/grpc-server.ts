import {
  logVerbosity,
  Server,
  ServerCredentials,
  type ServerOptions,
  setLogVerbosity,
} from '@grpc/grpc-js';
import type { Clock } from '@podctl/platform/clock.ts';
import { ListenError } from '@podctl/platform/health-server.ts';
import type { Service } from '@podctl/platform/service.ts';
import { HealthImplementation } from 'grpc-health-check';
import type { Fleet } from '../shell/fleet.ts';
import { agentService, agentServiceDefinition } from './agent-service.ts';
import { backupService, backupServiceDefinition } from './backup-service.ts';
import { episodeService, episodeServiceDefinition } from './episode-service.ts';
import { feedService, feedServiceDefinition } from './feed-service.ts';
import { fleetService, fleetServiceDefinition } from './fleet-service.ts';
import { type CallObserver, Handlers } from './handler.ts';
import { libraryService, libraryServiceDefinition } from './library-service.ts';
import { lockService, lockServiceDefinition } from './lock-service.ts';
import { STOPPING } from './status.ts';
import { transcriptService, transcriptServiceDefinition } from './transcript-service.ts';
import { WatchHub } from './watch-hub.ts';

export interface GrpcServerOptions {
  /** Port 0 takes a free one. */
  readonly listen: Address;
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly onCall: CallObserver;
  /** An error that nobody expected, for the log. */
  readonly onBug: (method: string, error: unknown) => void;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Calls that run get this long to take the news of a stop before their connections are cut. */
const STOP_GRACE_MS = 2_000;

const MIB = 1_024 * 1_024;

const serverOptions: ServerOptions = {
  // 10,000 feeds to add, each with a URL of more than a kilobyte.
  'grpc.max_receive_message_length': 16 * MIB,
  // The snapshot of Watch is one message: 300 bytes a feed.
  'grpc.max_send_message_length': 256 * MIB,
  'grpc.max_concurrent_streams': 1_000,
  // As often as the clients ping: a dead watcher's stream ends within 40 s, and not with TCP's patience.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
};

/** The podctl.v1 API and grpc.health.v1 on one port. */
export class GrpcServer implements Service {
  readonly name = 'grpc server';
  readonly #options: GrpcServerOptions;
  readonly #handlers: Handlers;
  readonly #hub: WatchHub;
  readonly #health = new HealthImplementation();
  readonly #server = new Server(serverOptions);
  #started: Promise<number> | null = null;
  #stopped: Promise<void> | null = null;
  #address: Address | null = null;

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    const { fleet, clock, onCall, onBug } = options;
    this.#handlers = new Handlers({ clock, onCall, onBug });
    this.#hub = new WatchHub(fleet, clock, (error) => onBug('Watch', error));
    this.#addServices();
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
    const { fleet, clock } = this.#options;
    const server = this.#server;
    const handlers = this.#handlers;
    server.addService(fleetServiceDefinition, fleetService(fleet, handlers, this.#hub, clock));
    server.addService(feedServiceDefinition, feedService(fleet, handlers));
    server.addService(episodeServiceDefinition, episodeService(fleet, handlers));
    server.addService(transcriptServiceDefinition, transcriptService(fleet, handlers));
    server.addService(agentServiceDefinition, agentService(fleet, handlers));
    server.addService(lockServiceDefinition, lockService(fleet, handlers));
    server.addService(backupServiceDefinition, backupService(fleet, handlers, clock));
    server.addService(libraryServiceDefinition, libraryService(fleet, handlers, clock));
    this.#health.addToServer(server);
  }

  #bind(): Promise<number> {
    const address = written(this.#options.listen);
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(new ListenError('grpc', whyNotBound(address, error), error));
      });
    });
  }

  async #shutDown(): Promise<void> {
    this.setServing(false);
    this.#handlers.stop(STOPPING);
    // One that is starting is bound first, or its port would be left open.
    await this.#started?.catch(() => undefined);
    const over = new AbortController();
    const polite = new Promise<void>((resolve) => {
      this.#server.tryShutdown(() => resolve());
    });
    const limit = this.#options.clock.sleep(STOP_GRACE_MS, over.signal).catch(() => undefined);
    await Promise.race([polite, limit]);
    over.abort();
    this.#server.forceShutdown();
    await polite;
  }
}

function written({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function whyNotBound(address: string, error: Error): string {
  const setting = 'coordinator.grpc.listen';
  if (error.message.includes('EADDRINUSE'))
    return `the address ${address} is taken by another program: stop that one, or set ${setting} to another address`;
  if (error.message.includes('EADDRNOTAVAIL'))
    return `the address ${address} is none of this machine's: set ${setting} to one that is`;
  if (error.message.includes('EACCES'))
    return `this user may not listen on ${address}: set ${setting} to a port above 1023`;
  return `cannot listen on ${address} (${error.message}): set ${setting} to host:port`;
}
