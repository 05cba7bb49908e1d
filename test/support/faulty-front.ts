import { once } from 'node:events';
import {
  request as ask,
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of a request; null: it is passed on. */
export type Fault =
  /** It is answered here, as a server does that is overloaded. */
  | { readonly kind: 'answer'; readonly status: number; readonly body: string }
  /** The connection is cut after so many bytes of the body that goes up, or of the one that comes down. */
  | { readonly kind: 'cut'; readonly direction: 'up' | 'down'; readonly bytes: number };

/** Stands before a real HTTP server and spoils what it is told to, once each. */
export class FaultyFront {
  /** The first that fits a request is used up by it. */
  readonly faults: { readonly fits: (line: string) => boolean; readonly fault: Fault }[] = [];
  /** `METHOD path` of what came, in order. */
  readonly seen: string[] = [];
  readonly #target: URL;
  readonly #server: Server;

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((request, response) => this.#pass(request, response));
  }

  static async start(target: string): Promise<FaultyFront> {
    const front = new FaultyFront(target);
    front.#server.listen(0, '127.0.0.1');
    await once(front.#server, 'listening');
    return front;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  spoil(fits: (line: string) => boolean, fault: Fault): void {
    this.faults.push({ fits, fault });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const line = `${request.method} ${request.url}`;
    this.seen.push(line);
    const at = this.faults.findIndex(({ fits }) => fits(line));
    const fault = at < 0 ? null : (this.faults.splice(at, 1)[0]?.fault ?? null);
    if (fault?.kind === 'answer') {
      request.resume();
      response.writeHead(fault.status, { 'content-type': 'application/xml' }).end(fault.body);
      return;
    }
    const { hostname, port } = this.#target;
    const { method, url: path, headers } = request;
    const forward = ask({ hostname, port, method, path, headers });
    const end = () => {
      request.socket.destroy();
      forward.destroy();
    };
    const cutAfter = (direction: 'up' | 'down') => {
      let bytes = 0;
      return (chunk: Buffer) => {
        bytes += chunk.length;
        if (fault?.kind === 'cut' && fault.direction === direction && bytes >= fault.bytes) end();
      };
    };
    forward.on('error', end);
    request.on('error', end);
    forward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('error', end);
      answer.on('data', cutAfter('down'));
      answer.pipe(response);
    });
    request.on('data', cutAfter('up'));
    request.pipe(forward);
  }
}
