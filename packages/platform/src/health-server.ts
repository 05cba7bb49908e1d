import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
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

/** `/livez` (this loop turns), `/readyz` (503 until every check is ok; `?verbose` names them) and `/metrics`. */
export class HealthServer implements Service {
  readonly name = 'health server';
  readonly #options: HealthServerOptions;
  readonly #server: Server;

  constructor(options: HealthServerOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        maxHeaderSize: 8 * 1024,
        headersTimeout: 5_000,
        requestTimeout: 10_000,
        keepAliveTimeout: 30_000,
        connectionsCheckingInterval: 5_000,
      },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** Rejects with `ListenError`. */
  async start(): Promise<void> {
    const { host, port } = this.#options.listen;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => reject(listenError(error, this.#options)));
      this.#server.listen(port, host, resolve);
    });
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
    this.#server.closeAllConnections();
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
      const { contentType, text } = await this.#options.metrics();
      return { status: 200, type: contentType, text };
    } catch (err) {
      this.#options.logger.error({ err, path: url.pathname }, 'a page could not be made');
      return plain(500, 'this page could not be made; the log says why\n');
    }
  }
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
