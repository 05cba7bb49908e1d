import { readFileSync } from 'node:fs';
import {
  AuthorizationError,
  connect,
  createInbox,
  credsAuthenticator,
  type NatsConnection,
  type NodeConnectionOptions,
  type Status,
} from '@nats-io/transport-node';
import type { Clock } from '../clock.ts';
import { orAborted } from './abortable.ts';
import { isTooOld, SERVER_VERSION_MIN } from './server-version.ts';

export interface NatsOptions {
  readonly servers: readonly string[];
  /** Shown by the server's monitoring. */
  readonly name: string;
  readonly auth: NatsAuth;
  /** Replies come under this prefix: an agent's rights name its own. */
  readonly inboxPrefix?: string;
  /** Files and flags of the transport's TLS; absent: as the servers' addresses say. */
  readonly tls?: NonNullable<NodeConnectionOptions['tls']>;
  /** The first connection must be made in this time; afterwards reconnecting never ends. */
  readonly connectWithinMs?: number;
}

export type NatsAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  /** Read again at each connection, so that a renewed file is used. */
  | { readonly kind: 'credentials'; readonly path: string };

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
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'NatsRefused';
  }
}

/** Connects, or rejects with NatsRefused (refused credentials, a server too old, nobody there in time), or aborted. */
export async function connectNats(
  options: NatsOptions,
  ports: NatsPorts,
  signal: AbortSignal,
): Promise<NatsLink> {
  const nc = await firstConnection(options, ports, signal);
  const refusal = refusalOf(nc);
  if (refusal !== null) {
    await nc.close();
    throw refusal;
  }
  return new Link(nc, ports, options.inboxPrefix);
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
      if (isLast || error instanceof AuthorizationError) throw sentence(options, error);
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
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    timeout: ATTEMPT_MS,
    pingInterval: PING_EVERY_MS,
    maxPingOut: 2,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => jittered(RETRY_MS, ports.random),
    // A reload of the server's accounts refuses for a moment; the client would close for good at the second refusal.
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
      return { authenticator: credsAuthenticator(() => readFileSync(auth.path)) };
  }
}

class Link implements NatsLink {
  readonly nc: NatsConnection;
  readonly #ports: NatsPorts;
  readonly #inboxPrefix: string | undefined;
  readonly #watching: Promise<void>;
  readonly #disconnectListeners = new Set<() => void>();
  #connected = Promise.withResolvers<void>();
  #isConnected = true;
  #refusal: Error | null = null;
  #disconnects = 0;
  #reconnects = 0;
  #troubles = 0;

  constructor(nc: NatsConnection, ports: NatsPorts, inboxPrefix: string | undefined) {
    this.nc = nc;
    this.#ports = ports;
    this.#inboxPrefix = inboxPrefix;
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
    return createInbox(this.#inboxPrefix);
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
        this.#troubles += 1;
        this.#ports.listen({ kind: 'trouble', error: status.error });
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

  /** Another server of the cluster may be an older one. */
  #onReconnect(): void {
    this.#refusal = refusalOf(this.nc);
    if (this.#refusal !== null) {
      this.nc.close().catch((error: unknown) => {
        this.#ports.listen({ kind: 'trouble', error: asError(error) });
      });
      return;
    }
    this.#isConnected = true;
    this.#connected.resolve();
    this.#reconnects += 1;
    this.#ports.listen({ kind: 'connected', server: this.nc.getServer() });
  }
}

function refusalOf(nc: NatsConnection): Error | null {
  const version = nc.info?.version ?? '';
  if (!isTooOld(version)) return null;
  const found = version === '' ? 'of an unknown version' : version;
  return new NatsRefused(
    `the NATS server at ${nc.getServer()} is ${found}, but ${SERVER_VERSION_MIN} or newer is needed: upgrade it`,
  );
}

function sentence(options: NatsOptions, error: unknown): Error {
  const servers = options.servers.map(withoutUser).join(', ');
  const text =
    error instanceof AuthorizationError
      ? `NATS at ${servers} refused the ${options.auth.kind === 'none' ? 'connection without credentials' : 'credentials'}: check the user that the configuration names`
      : `NATS at ${servers} could not be reached (${asError(error).message}): check the addresses and that the server runs`;
  return new NatsRefused(text, error);
}

/** An address may carry a password, which is never printed. */
function withoutUser(server: string): string {
  return server.replace(/^([a-z+]+:\/\/)?[^@/]*@/, '$1');
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
