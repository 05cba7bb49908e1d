import {
  connect,
  createInbox,
  credsAuthenticator,
  type NatsConnection,
  type NodeConnectionOptions,
  type Status,
} from '@nats-io/transport-node';
import type { Clock } from '../clock.ts';
import { orAborted } from './abortable.ts';
import {
  afterRefusal,
  isRevocation,
  REVOKED,
  type Refusal,
  type RefusalCause,
  type RefusalStreak,
  refusalOf,
  refusedFor,
  tooOld,
} from './refusal.ts';
import { type NatsTls, tlsSettings } from './tls.ts';

export interface NatsOptions {
  readonly servers: readonly string[];
  /** Shown by the server's monitoring. */
  readonly name: string;
  readonly auth: NatsAuth;
  /** Replies come under this prefix: an agent's rights name its own. */
  readonly inboxPrefix?: string;
  /** With it a server that offers no TLS is refused; absent: as the server wants it. */
  readonly tls?: NatsTls;
  /** The first connection must be made in this time; afterwards reconnecting ends only by a refusal. */
  readonly connectWithinMs?: number;
  /** Refused for so long, and nothing else, when it reconnects: closed for good. Absent: it tries for ever. */
  readonly refusedMsMax?: number;
}

export type NatsAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  /** The text of a credentials file, asked for at each connection, so that a renewed one is used. May throw. */
  | { readonly kind: 'credentials'; readonly read: () => string };

export type NatsEvent =
  | { readonly kind: 'connected'; readonly server: string }
  | { readonly kind: 'disconnected' }
  | { readonly kind: 'trouble'; readonly error: Error }
  | { readonly kind: 'closed'; readonly error: Error | null };

export interface NatsPorts {
  readonly clock: Clock;
  /** 0 to 1, for the jitter of the waits. */
  readonly random: () => number;
  readonly listen: (event: NatsEvent) => void;
}

/** One connection and what is known of it. */
export interface NatsLink {
  readonly nc: NatsConnection;
  isConnected(): boolean;
  /** Resolves at once, or with the next connection; rejects when aborted, or closed for good. */
  whenConnected(signal: AbortSignal): Promise<void>;
  /** Called at each loss of the connection, until the returned function is called. */
  onDisconnect(listener: () => void): () => void;
  /** A fresh subject for replies, that this connection may listen to. */
  newInbox(): string;
  counts(): NatsCounts;
  /** Sends what is pending, for at most a second, and closes for good. Safe twice. */
  close(): Promise<void>;
}

export interface NatsCounts {
  readonly disconnects: number;
  readonly reconnects: number;
  readonly troubles: number;
}

const CONNECT_WITHIN_MS = 30_000;
const ATTEMPT_MS = 3_000;
const RETRY_MS = 500;
const CLOSE_FLUSH_MS = 1_000;
/** A dead peer is noticed after two unanswered pings. */
const PING_EVERY_MS = 10_000;

/** There is no NATS to work with, in one sentence: what was seen, and what to do. */
export class NatsRefused extends Error {
  readonly why: RefusalCause;
  constructor(message: string, cause?: unknown, why: RefusalCause = 'unreachable') {
    super(message, { cause });
    this.name = 'NatsRefused';
    this.why = why;
  }
}

/** Connects, or rejects with NatsRefused (refused credentials, a server too old, nobody there in time), or aborted. */
export async function connectNats(
  options: NatsOptions,
  ports: NatsPorts,
  signal: AbortSignal,
): Promise<NatsLink> {
  const nc = await firstConnection(options, ports, signal);
  const refusal = tooOld(nc.getServer(), nc.info?.version ?? '');
  if (refusal !== null) {
    await nc.close();
    throw refused(refusal);
  }
  return new Link(nc, ports, options);
}

async function firstConnection(
  options: NatsOptions,
  ports: NatsPorts,
  signal: AbortSignal,
): Promise<NatsConnection> {
  const { clock } = ports;
  const deadlineMs = clock.monotonicMs() + (options.connectWithinMs ?? CONNECT_WITHIN_MS);
  const settings = clientSettings(options, ports);
  for (;;) {
    try {
      return await abortable(connect(settings), signal);
    } catch (error) {
      signal.throwIfAborted();
      const isLast = clock.monotonicMs() + RETRY_MS >= deadlineMs;
      const refusal = refusalOf(options, asError(error));
      if (isLast || refusal.why !== 'unreachable') throw refused(refusal, error);
      ports.listen({ kind: 'trouble', error: asError(error) });
    }
    await clock.sleep(jittered(RETRY_MS, ports.random), signal);
  }
}

function clientSettings(options: NatsOptions, ports: NatsPorts): NodeConnectionOptions {
  return {
    servers: [...options.servers],
    name: options.name,
    ...authSettings(options.auth),
    ...(options.inboxPrefix === undefined ? {} : { inboxPrefix: options.inboxPrefix }),
    ...(options.tls === undefined ? {} : { tls: tlsSettings(options.tls, options.servers) }),
    timeout: ATTEMPT_MS,
    pingInterval: PING_EVERY_MS,
    maxPingOut: 2,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => jittered(RETRY_MS, ports.random),
    // A reload of the server's accounts refuses for a moment, and an expired credential until it is renewed; the client
    // would close for good at the second refusal.
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
  };
}

function authSettings(auth: NatsAuth): NodeConnectionOptions {
  switch (auth.kind) {
    case 'none':
      return {};
    case 'password':
      return { user: auth.user, pass: auth.password };
    case 'credentials':
      return { authenticator: credsAuthenticator(() => new TextEncoder().encode(auth.read())) };
  }
}

class Link implements NatsLink {
  readonly nc: NatsConnection;
  readonly #ports: NatsPorts;
  readonly #options: NatsOptions;
  readonly #watching: Promise<void>;
  readonly #disconnectListeners = new Set<() => void>();
  #connected = Promise.withResolvers<void>();
  #isConnected = true;
  #refusal: NatsRefused | null = null;
  /** Since the connection was lost. */
  #streak: RefusalStreak | null = null;
  #disconnects = 0;
  #reconnects = 0;
  #troubles = 0;

  constructor(nc: NatsConnection, ports: NatsPorts, options: NatsOptions) {
    this.nc = nc;
    this.#ports = ports;
    this.#options = options;
    this.#connected.resolve();
    ports.listen({ kind: 'connected', server: nc.getServer() });
    this.#watching = this.#watch();
  }

  isConnected(): boolean {
    return this.#isConnected;
  }

  async whenConnected(signal: AbortSignal): Promise<void> {
    await orAborted(this.#connected.promise, signal);
  }

  onDisconnect(listener: () => void): () => void {
    this.#disconnectListeners.add(listener);
    return () => this.#disconnectListeners.delete(listener);
  }

  newInbox(): string {
    return createInbox(this.#options.inboxPrefix);
  }

  counts(): NatsCounts {
    return {
      disconnects: this.#disconnects,
      reconnects: this.#reconnects,
      troubles: this.#troubles,
    };
  }

  async close(): Promise<void> {
    if (this.#isConnected) {
      const late = new AbortController();
      const waited = this.#ports.clock.sleep(CLOSE_FLUSH_MS, late.signal).catch(() => undefined);
      await Promise.race([this.nc.flush().catch(() => undefined), waited]);
      late.abort();
    }
    await this.nc.close();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    for await (const status of this.nc.status()) this.#on(status);
    const error = await this.nc.closed();
    this.#isConnected = false;
    this.#connected = Promise.withResolvers<void>();
    this.#connected.promise.catch(() => undefined);
    this.#connected.reject(error ?? new Error('the connection is closed'));
    this.#ports.listen({ kind: 'closed', error: this.#refusal ?? error ?? null });
  }

  #on(status: Status): void {
    switch (status.type) {
      case 'disconnect':
        this.#onDisconnected();
        return;
      case 'reconnect':
        this.#onReconnect();
        return;
      case 'error':
        this.#onError(status.error);
        return;
      default:
        return;
    }
  }

  #onDisconnected(): void {
    if (this.#isConnected) this.#connected = Promise.withResolvers<void>();
    this.#isConnected = false;
    this.#disconnects += 1;
    this.#ports.listen({ kind: 'disconnected' });
    for (const listener of [...this.#disconnectListeners]) listener();
  }

  #onError(error: Error): void {
    this.#troubles += 1;
    this.#ports.listen({ kind: 'trouble', error });
    if (isRevocation(error)) this.#end(REVOKED, error);
    if (this.#isConnected) return;
    this.#streak = afterRefusal(this.#streak, error, this.#ports.clock.monotonicMs());
    const { refusedMsMax } = this.#options;
    if (refusedMsMax === undefined || refusedFor(this.#streak) < refusedMsMax) return;
    this.#end(refusalOf(this.#options, error), error);
  }

  /** Another server of the cluster may be an older one. */
  #onReconnect(): void {
    const refusal = tooOld(this.nc.getServer(), this.nc.info?.version ?? '');
    if (refusal !== null) {
      this.#end(refusal);
      return;
    }
    this.#isConnected = true;
    this.#streak = null;
    this.#connected.resolve();
    this.#reconnects += 1;
    this.#ports.listen({ kind: 'connected', server: this.nc.getServer() });
  }

  /** Once: the client closes, and tells it. */
  #end(refusal: Refusal, cause?: Error): void {
    if (this.#refusal !== null) return;
    this.#refusal = refused(refusal, cause);
    this.nc.close().catch((error: unknown) => {
      this.#ports.listen({ kind: 'trouble', error: asError(error) });
    });
  }
}

function refused({ sentence, why }: Refusal, cause?: unknown): NatsRefused {
  return new NatsRefused(sentence, cause, why);
}

/** A connection that comes after the abort is closed. */
async function abortable(
  connecting: Promise<NatsConnection>,
  signal: AbortSignal,
): Promise<NatsConnection> {
  try {
    return await orAborted(connecting, signal);
  } catch (error) {
    connecting.then(
      (late) => late.close(),
      () => undefined,
    );
    throw error;
  }
}

function jittered(ms: number, random: () => number): number {
  return ms * (0.5 + random());
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
