import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Clock } from '@podctl/platform/clock.ts';
import { Counts } from '../core/counts.ts';
import { HANDSHAKE_RATE } from '../core/handshake-rate.ts';
import { peerOf } from '../core/peer.ts';
import { RateLimit } from '../core/rate-limit.ts';
import type { CallRefusal } from './grpc-metrics.ts';

/** PEM all. */
export interface ServerCertificate {
  readonly certPem: string;
  readonly keyPem: string;
  readonly caPem: string;
}

export interface ListenerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** Asked at each connection, since a certificate is renewed; null: without TLS. */
  readonly tls: (() => ServerCertificate) | null;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly onConnection: (socket: Socket) => void;
  readonly onRefused: (reason: CallRefusal) => void;
  readonly onBug: (error: unknown) => void;
}

const CONNECTIONS_MAX = 1_024;
const CONNECTIONS_PER_PEER_MAX = 128;
/** Every client of ours speaks it. */
const MIN_VERSION = 'TLSv1.3';
const HANDSHAKE_MS = 10_000;

/**
 * The port of the gRPC API. It is ours and not grpc-js's, which cannot say which TLS it speaks, how long a handshake may
 * take, or how many connections there may be.
 */
export class GrpcListener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #peers = new Counts();
  readonly #rate = new RateLimit(HANDSHAKE_RATE);
  readonly #sockets = new Set<Socket>();

  constructor(options: ListenerOptions) {
    this.#options = options;
    const { tls, onConnection, onRefused } = options;
    const next = tls === null ? onConnection : this.#handshakes(tls);
    this.#server = createServer({ noDelay: true }, (socket) => {
      if (this.#admit(socket)) next(socket);
    });
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on('drop', () => onRefused('connections'));
  }

  /** Gives the port. Rejects with the system's error. */
  async start(): Promise<number> {
    const { host, port } = this.#options.listen;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    // As when no file descriptor is left for a connection: the next one may find one.
    this.#server.on('error', this.#options.onBug);
    const bound = this.#server.address();
    return typeof bound === 'object' && bound !== null ? bound.port : port;
  }

  /** Takes no more connections. Resolves when those that are there have ended. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Gives what takes a bare connection through its handshake. */
  #handshakes(tls: () => ServerCertificate): (socket: Socket) => void {
    const { onConnection, onRefused, onBug } = this.#options;
    let current = tls();
    const { keyPem: key, certPem: cert } = current;
    const options = { ALPNProtocols: ['h2'], handshakeTimeout: HANDSHAKE_MS };
    const server = createTlsServer({ key, cert, minVersion: MIN_VERSION, ...options });
    server.on('tlsClientError', (_error, socket) => {
      onRefused('handshake');
      socket.destroy();
    });
    server.on('secureConnection', (socket) => {
      // Its end is what tells: whoever reads it hears of that.
      socket.on('error', () => undefined);
      onConnection(socket);
    });
    return (socket) => {
      try {
        const newest = tls();
        if (newest.certPem !== current.certPem) {
          const { keyPem: key, certPem: cert } = newest;
          server.setSecureContext({ key, cert, minVersion: MIN_VERSION });
          current = newest;
        }
      } catch (error) {
        onBug(error);
      }
      server.emit('connection', socket);
    };
  }

  #mayShakeHands(peer: string): boolean {
    const { tls, clock } = this.#options;
    return tls === null || this.#rate.take(peer, clock.monotonicMs());
  }

  /** False: it was refused. */
  #admit(socket: Socket): boolean {
    const peer = peerOf(socket.remoteAddress);
    socket.on('error', () => undefined);
    if (this.#peers.of(peer) >= CONNECTIONS_PER_PEER_MAX || !this.#mayShakeHands(peer)) {
      this.#options.onRefused('connections');
      socket.destroy();
      return false;
    }
    this.#peers.add(peer);
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#peers.remove(peer);
      this.#sockets.delete(socket);
    });
    return true;
  }
}
