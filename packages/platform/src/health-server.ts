import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Logger } from './logger.ts';
import type { Service } from './service.ts';

export interface HealthCheck {
  readonly name: string;
  readonly ok: boolean;
  /** In words; shown with `?verbose`. */
  readonly detail: string;
}

export interface HealthServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** The setting's name, for the error: `agent.http.listen`. */
  readonly setting: string;
  /** Asked at each `/readyz`. */
  readonly checks: () => readonly HealthCheck[];
  /** Asked at each `/metrics`. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  readonly logger: Logger;
  /** The certificate to show, asked for at each connection so that a renewed one is used; null or left out: plain HTTP. */
  readonly tls?: (() => HealthCertificate) | null;
  /** Bearer token that `/metrics` asks for; null or left out: none. */
  readonly token?: string | null;
}

export interface HealthCertificate {
  readonly certPem: string;
  readonly keyPem: string;
}

/** The address cannot be listened on: one sentence. */
export class ListenError extends Error {
  readonly code: string;
  constructor(code: string, message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'ListenError';
    this.code = code;
  }
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const CONNECTIONS_MAX = 64;
/** One that takes all that it can get leaves enough for others. */
const CONNECTIONS_PER_PEER_MAX = 16;

/** `/livez` (this loop turns), `/readyz` (503 until every check is ok; `?verbose` names them) and `/metrics`. */
export class HealthServer implements Service {
  readonly name = 'health server';
  readonly #options: HealthServerOptions;
  readonly #server: Server | TlsServer;
  readonly #sockets = new Set<Socket>();

  constructor(options: HealthServerOptions) {
    this.#options = options;
    this.#server = serverOf(options, (request, response) => void this.#serve(request, response));
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on('connection', (socket: Socket) => this.#admit(socket));
  }

  #admit(socket: Socket): void {
    const { remoteAddress: peer } = socket;
    const ofPeer = [...this.#sockets].filter(({ remoteAddress }) => remoteAddress === peer);
    if (ofPeer.length >= CONNECTIONS_PER_PEER_MAX) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** Rejects with `ListenError`. */
  async start(): Promise<void> {
    const { host, port } = this.#options.listen;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => reject(listenError(error, this.#options)));
      this.#server.listen(port, host, resolve);
    });
    // As when no file descriptor is left for a connection: the next one may find one.
    const { logger } = this.#options;
    this.#server.on('error', (err) => logger.warn({ err }, 'a connection could not be accepted'));
  }

  /** `host:port` as bound; null when it does not listen. */
  get address(): string | null {
    const bound = this.#server.address() as AddressInfo | null;
    if (bound === null) return null;
    return bound.family === 'IPv6'
      ? `[${bound.address}]:${bound.port}`
      : `${bound.address}:${bound.port}`;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // Also those whose handshake has not ended, of which the server itself knows nothing.
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Whatever body comes is not read: the connection ends with the answer.
    if (request.headers['content-length'] ?? request.headers['transfer-encoding'])
      response.setHeader('connection', 'close');
    const { status, type, text } = await this.#answer(request);
    response.statusCode = status;
    response.setHeader('content-type', type);
    response.setHeader('cache-control', 'no-store');
    if (status === 405) response.setHeader('allow', 'GET, HEAD');
    if (status === 401) response.setHeader('www-authenticate', 'Bearer realm="podctl"');
    response.setHeader('content-length', Buffer.byteLength(text));
    response.end(request.method === 'HEAD' ? undefined : text);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const url = URL.parse(request.url ?? '/', 'http://localhost');
    const known = url !== null && ['/livez', '/readyz', '/metrics'].includes(url.pathname);
    if (!known) return plain(404, 'not found; there are /livez, /readyz?verbose and /metrics\n');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return plain(405, 'method not allowed\n');
    try {
      if (url.pathname === '/livez') return plain(200, 'ok\n');
      if (url.pathname === '/readyz')
        return readiness(this.#options.checks(), url.searchParams.has('verbose'));
      if (!this.#isLetIn(request))
        return plain(401, 'this page asks for a bearer token: that of security.metricsTokenFile\n');
      const { contentType, text } = await this.#options.metrics();
      return { status: 200, type: contentType, text };
    } catch (err) {
      this.#options.logger.error({ err, path: url.pathname }, 'a page could not be made');
      return plain(500, 'this page could not be made; the log says why\n');
    }
  }

  #isLetIn({ headers }: IncomingMessage): boolean {
    const { token = null } = this.#options;
    if (token === null) return true;
    const shown = /^Bearer ([\x21-\x7e]{1,4096})$/i.exec(headers.authorization ?? '')?.[1] ?? '';
    return timingSafeEqual(sha256(shown), sha256(token)) && shown !== '';
  }
}

type Served = (request: IncomingMessage, response: ServerResponse) => void;

function serverOf({ tls, logger }: HealthServerOptions, served: Served): Server | TlsServer {
  const limits = {
    maxHeaderSize: 8 * 1024,
    headersTimeout: 5_000,
    requestTimeout: 10_000,
    keepAliveTimeout: 30_000,
    connectionsCheckingInterval: 5_000,
  };
  if (tls === undefined || tls === null) return createServer(limits, served);
  let shown = tls();
  const server = createTlsServer(
    { ...limits, ...contextOf(shown), handshakeTimeout: 5_000 },
    served,
  );
  // Before the server's own listener, which takes the context as it is.
  server.prependListener('connection', () => {
    try {
      const newest = tls();
      if (newest.certPem === shown.certPem) return;
      server.setSecureContext(contextOf(newest));
      shown = newest;
    } catch (err) {
      logger.error({ err }, 'the newest certificate cannot be used: the one before it stays');
    }
  });
  return server;
}

/** A monitoring system may know no TLS 1.3 yet. */
function contextOf({ certPem, keyPem }: HealthCertificate) {
  return { cert: certPem, key: keyPem, minVersion: 'TLSv1.2' } as const;
}

/** Of one length, whatever the text. */
function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function readiness(checks: readonly HealthCheck[], verbose: boolean): Answer {
  const failed = checks.filter(({ ok }) => !ok);
  const status = failed.length === 0 ? 200 : 503;
  const shown = verbose ? checks : failed;
  const lines = shown.map(({ name, ok, detail }) => `[${ok ? '+' : '-'}] ${name}: ${detail}\n`);
  return plain(status, `${lines.join('')}${status === 200 ? 'ready' : 'not ready'}\n`);
}

function plain(status: number, text: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', text };
}

/** What a failed listen means, with what to do about it. */
export function listenError(
  error: NodeJS.ErrnoException,
  options: Pick<HealthServerOptions, 'listen' | 'setting'>,
): ListenError {
  const { host, port } = options.listen;
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const code = error.code ?? '';
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `${address} is taken by another program`,
    EACCES: `this user may not listen on ${address}`,
    EADDRNOTAVAIL: `${address} is no address of this machine`,
    ENOTFOUND: `the host of ${address} has no address`,
  };
  const why = reasons[code] ?? `${address} cannot be listened on (${error.message})`;
  const advice = `set ${options.setting} to another address (port 0 takes a free one)`;
  return new ListenError(code, `${why}; ${advice}`, error);
}
