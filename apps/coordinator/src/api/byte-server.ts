import { timingSafeEqual } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { invariant } from '@podctl/domain/result.ts';
import { type Address, formatAddress } from '@podctl/platform/endpoint.ts';
import { listenError } from '@podctl/platform/health-server.ts';
import type { DirectAccess } from '@podctl/platform/library/direct-access.ts';
import { FileLibrary } from '@podctl/platform/library/file-library.ts';
import { FileTransfers } from '@podctl/platform/library/file-transfers.ts';
import { type Library, LibraryError } from '@podctl/platform/library.ts';
import type { Service } from '@podctl/platform/service.ts';
import {
  allowedMethods,
  type ByteRefusal,
  type JobByteRoute,
  judgeTicket,
  parseByteRoute,
  ticketOf,
} from '../core/byte-access.ts';
import { Counts } from '../core/counts.ts';
import { HANDSHAKE_RATE } from '../core/handshake-rate.ts';
import { peerOf } from '../core/peer.ts';
import { RateLimit } from '../core/rate-limit.ts';
import { episodeRow, type Snapshot } from '../core/snapshot.ts';
import type { Logger } from '../shell/logger.ts';
import type { ServerCertificate } from '../shell/server-certificate.ts';
import { type ByteCallerOptions, ByteCallers } from './byte-callers.ts';
import { checkpointSender } from './byte-checkpoint.ts';
import { ByteDirect } from './byte-direct.ts';
import { ByteFiles } from './byte-files.ts';
import { ByteInput } from './byte-input.ts';
import type { ByteMetrics } from './byte-metrics.ts';
import { TransferEnd, type TransferLimits, Transfers } from './byte-transfers.ts';
import { EnrolmentRoutes } from './enrolment-routes.ts';

export interface ByteServerOptions {
  readonly listen: Address;
  readonly fleet: {
    picture(): { readonly snapshot: Snapshot };
    onChange(listener: () => void): () => void;
  };
  readonly library: Library;
  /** Of a library that agents reach themselves; absent where it is a folder. */
  readonly direct?: DirectAccess | undefined;
  /** Stays free on the library's disk. */
  readonly floorBytes: number;
  readonly metrics: ByteMetrics;
  readonly log: Logger;
  /** Absent where the fleet has no keys: plain HTTP for programs of this machine, and nobody is asked who they are. */
  readonly security?: ByteSecurity | undefined;
  readonly limits?: Partial<ByteLimits>;
}

export interface ByteSecurity extends ByteCallerOptions {
  readonly certificate: Pick<ServerCertificate, 'current' | 'onChange'>;
}

export interface ByteLimits extends TransferLimits {
  /** Of one file. */
  readonly bytesMax: number;
  /** For the request line and the header fields. */
  readonly headersMs: number;
  /** For the body of a join. */
  readonly joinMs: number;
}

/** How bytes go: through this coordinator, or past it. */
type Ways =
  | { readonly kind: 'through'; readonly files: ByteFiles; readonly input: ByteInput }
  | { readonly kind: 'direct'; readonly direct: ByteDirect };

const NOT_HERE: ByteRefusal = { status: 405, reason: 'method' };

/** An episode of a day at 192 kbit/s has 2 GB. */
const LIMITS: ByteLimits = {
  transfersMax: 64,
  idleMs: 30_000,
  bytesMax: 8e9,
  headersMs: 10_000,
  joinMs: 5_000,
};
const CONNECTIONS_MAX = 512;
/** One that takes all that it can get leaves enough for others. */
const CONNECTIONS_PER_PEER_MAX = 128;
const HEADER_BYTES_MAX = 8 * 1024;
const HANDSHAKE_MS_MAX = 10_000;
const TLS_VERSION_MIN = 'TLSv1.3';

/**
 * Lets agents in (enrolment-routes.ts), and moves bytes for those that have no mount of the library: the input of
 * the jobs they hold, and the files of their attempts. Who may do what is core's (byte-access.ts). An answer never repeats what was asked.
 */
export class ByteServer implements Service {
  readonly name = 'byte server';
  readonly #options: ByteServerOptions;
  readonly #limits: ByteLimits;
  readonly #server: Server | TlsServer;
  readonly #callers: ByteCallers | null;
  /** Connections by address. */
  readonly #peers = new Counts();
  readonly #handshakes = new RateLimit(HANDSHAKE_RATE);
  readonly #transfers: Transfers;
  readonly #ways: Ways;
  readonly #checkpoints: ReturnType<typeof checkpointSender>;
  #unlisten = () => {};

  constructor(options: ByteServerOptions) {
    const limits = { ...LIMITS, ...options.limits };
    const { library, floorBytes, metrics } = options;
    const transfers = new Transfers(limits, metrics);
    this.#options = options;
    this.#limits = limits;
    this.#transfers = transfers;
    const { bytesMax } = limits;
    if (options.direct !== undefined) {
      const of = { library, direct: options.direct, metrics, bytesMax, bodyMsMax: limits.joinMs };
      this.#ways = { kind: 'direct', direct: new ByteDirect(of) };
      this.#checkpoints = checkpointSender(library, options.direct);
    } else {
      invariant(library instanceof FileLibrary, 'what is no folder has a way for agents');
      const of = { library, files: new FileTransfers(library), transfers, metrics };
      const files = new ByteFiles({ ...of, bytesMax, floorBytes });
      const input = new ByteInput(of);
      this.#ways = { kind: 'through', files, input };
      this.#checkpoints = checkpointSender(library, input);
    }
    this.#callers = options.security === undefined ? null : new ByteCallers(options.security);
    const settings = {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: limits.headersMs,
      // A body may take hours; `Transfers` sees to it that it moves.
      requestTimeout: 0,
      keepAliveTimeout: 30_000,
      connectionsCheckingInterval: Math.min(5_000, limits.headersMs),
    };
    const serve = (request: IncomingMessage, response: ServerResponse) =>
      void this.#serve(request, response);
    this.#server =
      this.#callers === null ? createServer(settings, serve) : overTls(settings, serve);
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on('connection', (socket: Socket) => this.#admitConnection(socket));
  }

  #admitConnection(socket: Socket): void {
    const peer = peerOf(socket.remoteAddress);
    if (this.#peers.of(peer) >= CONNECTIONS_PER_PEER_MAX || !this.#mayShakeHands(peer)) {
      this.#options.metrics.refused('too_many_connections');
      socket.destroy();
      return;
    }
    this.#peers.add(peer);
    socket.once('close', () => this.#peers.remove(peer));
  }

  #mayShakeHands(peer: string): boolean {
    const { security } = this.#options;
    return security === undefined || this.#handshakes.take(peer, security.clock.monotonicMs());
  }

  /** Rejects with `ListenError`. */
  async start(): Promise<void> {
    const { listen, fleet, security, log } = this.#options;
    this.#useCertificate();
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) =>
        reject(listenError(error, { listen, setting: 'coordinator.bytes.listen' })),
      );
      this.#server.listen(listen.port, listen.host, resolve);
    });
    // As when no file descriptor is left for a connection: the next one may find one.
    this.#server.on('error', (err) => log.warn({ err }, 'a connection could not be accepted'));
    const judge = () => this.#transfers.judgeAll();
    const unlisten = [
      fleet.onChange(judge),
      security?.access.onChange(judge),
      security?.certificate.onChange(() => this.#useCertificate()),
    ];
    this.#unlisten = () => {
      for (const stop of unlisten) stop?.();
    };
  }

  /** For connections from now on. */
  #useCertificate(): void {
    const { security } = this.#options;
    if (security === undefined || !('setSecureContext' in this.#server)) return;
    const { certPem: cert, keyPem: key, caPem: ca } = security.certificate.current();
    this.#server.setSecureContext({ cert, key, ca, minVersion: TLS_VERSION_MIN });
  }

  /** `host:port` as bound; null when it does not listen. */
  get address(): string | null {
    const bound = this.#server.address() as AddressInfo | null;
    return bound === null ? null : formatAddress({ host: bound.address, port: bound.port });
  }

  async stop(): Promise<void> {
    this.#unlisten();
    await this.#transfers.stop();
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A connection that breaks is no news: whoever was at the other end asks again.
    response.on('error', () => {});
    if (hasBodyForNobody(request)) response.setHeader('connection', 'close');
    try {
      await this.#route(request, response);
    } catch (error) {
      const refusal = this.#refusalOf(error);
      this.#options.metrics.refused(refusal.reason);
      refuse(request, response, refusal);
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = parseByteRoute(request.method ?? '', request.url ?? '');
    if (!route.ok) throw new TransferEnd(route.error);
    const of = route.value;
    if (of.kind === 'ca' || of.kind === 'enrol') return this.#enrolment(of.kind, request, response);
    this.#admit(request);
    if (of.kind === 'renew' || of.kind === 'leave')
      return this.#enrolment(of.kind, request, response);
    if (of.kind === 'library') return this.#tellLibrary(request, response);
    return this.#moveBytes(of, request, response);
  }

  /** Rejects with `TransferEnd`. Without the fleet's keys there are no such routes. */
  async #enrolment(
    kind: 'ca' | 'enrol' | 'renew' | 'leave',
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { security, metrics } = this.#options;
    if (security === undefined || this.#callers === null)
      throw new TransferEnd({ status: 404, reason: 'no_such_route' });
    const routes = new EnrolmentRoutes({
      access: security.access,
      callers: this.#callers,
      caPem: security.certificate.current().caPem,
      bodyMsMax: this.#limits.joinMs,
      refused: (reason) => metrics.refused(reason),
    });
    switch (kind) {
      case 'ca':
        return routes.tellCa(response);
      case 'enrol':
        return await routes.enrol(request, response);
      case 'renew':
        return await routes.renew(request, response);
      case 'leave':
        return await routes.leave(request, response);
    }
  }

  /** Throws `TransferEnd` unless an agent that is let in asks, where anybody is asked. */
  #admit({ socket }: IncomingMessage): void {
    const refusal = this.#callers?.judge(socket) ?? null;
    if (refusal === null) return;
    this.#callers?.noteRefused(socket, refusal);
    throw new TransferEnd(refusal);
  }

  async #moveBytes(
    of: JobByteRoute,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { socket } = request;
    const ticket = ticketOf(request.headers.authorization);
    const agent = this.#callers?.known(socket)?.agent ?? null;
    if (this.#callers !== null && agent === null)
      throw new TransferEnd({ status: 401, reason: 'no_certificate' });
    const judge = () =>
      this.#callers?.judge(socket) ?? judgeTicket(this.#snapshot(), of, ticket, isSame, agent);
    const refusal = judge();
    if (refusal !== null) throw new TransferEnd(refusal);
    const { cluster, state } = this.#known(of);
    const ways = this.#ways;
    if (of.kind === 'input') {
      const input = { request, response, route: of, state, judge };
      return ways.kind === 'direct' ? ways.direct.pointTo(input) : ways.input.send(input);
    }
    if (of.kind === 'checkpoint')
      return this.#checkpoints({ request, response, route: of, cluster, state, judge });
    const file = { request, response, route: of, cluster, judge };
    const isPlanned = request.method === 'POST';
    if (isPlanned !== (ways.kind === 'direct')) throw new TransferEnd(NOT_HERE);
    if (ways.kind === 'direct') return ways.direct.plan(file);
    return request.method === 'HEAD' ? ways.files.tell(file) : ways.files.take(file);
  }

  /** Lets an agent see, before it takes work, that the way is open and leads to the right library. */
  async #tellLibrary(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { library, floorBytes } = this.#options;
    const health = await library.check();
    if (health.kind === 'offline') throw new LibraryError('offline', health.reason);
    const space = await library.space();
    if (space !== null && space.freeBytes < floorBytes)
      throw new TransferEnd({ status: 507, reason: 'no_space', retryAfterSeconds: 30 });
    const marker = await this.#options.direct?.markerUrl();
    // Whoever is told of no marker sends through this coordinator.
    const text = `${JSON.stringify({ library: library.id, marker })}\n`;
    response.writeHead(200, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'content-length': String(Buffer.byteLength(text)),
    });
    response.end(request.method === 'HEAD' ? undefined : text);
  }

  #known(route: JobByteRoute) {
    const snapshot = this.#snapshot();
    const { cluster } = snapshot;
    const row = episodeRow(snapshot, route.feed, route.episode);
    if (cluster === null || row === null)
      throw new TransferEnd({ status: 503, reason: 'not_known_yet', retryAfterSeconds: 1 });
    return { cluster, state: row.state };
  }

  #snapshot(): Snapshot {
    return this.#options.fleet.picture().snapshot;
  }

  #refusalOf(error: unknown): ByteRefusal {
    if (error instanceof TransferEnd) return error.refusal;
    if (error instanceof LibraryError) {
      if (error.code === 'full') return { status: 507, reason: 'no_space', retryAfterSeconds: 30 };
      if (error.code === 'offline')
        return { status: 503, reason: 'library_offline', retryAfterSeconds: 10 };
    }
    // A body that broke off, mostly; nobody is left to be answered then.
    this.#options.log.warn({ err: error }, 'a transfer failed');
    return { status: 500, reason: 'internal', retryAfterSeconds: 1 };
  }
}

/** A body that trickles in behind an answered question would keep one of the connections. */
function hasBodyForNobody({ method, headers }: IncomingMessage): boolean {
  const isRead = method === 'PATCH' || method === 'POST';
  return !isRead && (headers['content-length'] ?? headers['transfer-encoding']) !== undefined;
}

/** A body that was not read to its end takes the connection with it. */
function refuse(request: IncomingMessage, response: ServerResponse, refusal: ByteRefusal): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { status, reason, retryAfterSeconds } = refusal;
  const text = `${reason}\n`;
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'content-length': String(Buffer.byteLength(text)),
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    ...(status === 405 ? { allow: allowedMethods(request.url ?? '') } : {}),
    ...(request.complete ? {} : { connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}

/** Whoever shows no certificate, or a strange one, is answered too: that is for the routes to judge. */
function overTls(
  settings: ServerOptions,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): TlsServer {
  const tls = {
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_MS_MAX,
    minVersion: TLS_VERSION_MIN,
  } as const;
  return createTlsServer({ ...settings, ...tls }, serve);
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
