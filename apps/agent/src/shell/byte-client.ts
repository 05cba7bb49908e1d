import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { JobToken } from '@podctl/domain/protocol.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { isUntrusted } from '@podctl/platform/nats/tls.ts';
import { type Dispatcher, request } from 'undici';
import type { Assignment } from '../core/assignment.ts';
import { type ByteAnswer, judgeByteAnswer, uploadProgress } from '../core/byte-answer.ts';
import { freshPace, type MoveEnd, nextStep, type PaceLimits } from '../core/transfer-pace.ts';

export interface ByteClientPorts {
  /** `http://host:port`, without a path: those of podctl's own coordinators, so that no address guard is in the way. */
  readonly coordinators: readonly string[];
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly random: () => number;
  /** Counts what was moved. */
  readonly moved: (direction: 'in' | 'out', bytes: number) => void;
  readonly limits?: Partial<ByteClientLimits>;
}

export interface ByteClientLimits extends PaceLimits {
  /** Nothing heard for so long: that coordinator is given up for now. */
  readonly idleMs: number;
}

const LIMITS: ByteClientLimits = {
  idleMs: 30_000,
  stuckMs: 30 * 60_000,
  backoffFirstMs: 250,
  backoffMaxMs: 15_000,
};
/** A coordinator hashes what it has before it says that a file is whole. */
const HASH_BYTES_PER_MS = 20_000;
const READ_BYTES = 256 * 1024;

/** Whose bytes. */
export type JobTicket = Pick<Assignment, 'job' | 'ticket'>;

export interface LocalFile {
  readonly place: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** A body that has begun to come, or why it does not. */
export interface ByteResponse {
  readonly answer: ByteAnswer;
  readonly status: number;
  readonly body: AsyncIterable<Uint8Array>;
  header(name: string): string | null;
  /** Frees the connection; safe at any time. */
  close(): void;
}

/**
 * Speaks with the coordinators about a job's bytes: one of them at a time, the next when it fails. What is under way goes
 * on where it broke off, since what a coordinator has is in the library and known to all of them.
 */
export class ByteClient {
  readonly #ports: ByteClientPorts;
  readonly #limits: ByteClientLimits;
  #current = 0;

  constructor(ports: ByteClientPorts) {
    this.#ports = ports;
    this.#limits = { ...LIMITS, ...ports.limits };
  }

  /** Sends a file until all of it is there and known to be right. Rejects with the signal's reason. */
  upload(of: JobTicket, name: string, file: LocalFile, options: MoveOptions): Promise<MoveEnd> {
    const path = `${jobPath(of.job)}/files/${name}`;
    // Null: to be asked for.
    let offsetBytes: number | null = 0;
    return this.persist(options, async () => {
      if (offsetBytes === null) {
        const found: ByteAnswer = await this.#askOffset(of, path, options.signal);
        if (found.kind === 'offset') offsetBytes = found.offsetBytes;
        return found;
      }
      const from: number = offsetBytes;
      offsetBytes = null;
      const answer = await this.#send(of, path, file, from, options);
      if (answer.kind === 'offset') offsetBytes = answer.offsetBytes;
      if (answer.kind === 'damaged') offsetBytes = 0;
      return answer;
    });
  }

  /** One request that has no body, at the coordinator whose turn it is. Rejects on trouble with the connection. */
  async ask(
    method: 'GET' | 'HEAD',
    path: string,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<ByteResponse> {
    return this.#request(path, { method, headers, signal, headersTimeout: this.#limits.idleMs });
  }

  /** JSON, at the coordinator whose turn it is. Rejects on trouble with the connection. */
  async post(
    path: string,
    headers: Record<string, string>,
    body: string,
    signal: AbortSignal,
  ): Promise<ByteResponse> {
    const fields = { ...headers, 'content-type': 'application/json' };
    // It may have to put the parts together first.
    const headersTimeout = 4 * this.#limits.idleMs;
    return this.#request(path, { method: 'POST', headers: fields, body, signal, headersTimeout });
  }

  /** A GET without a ticket at one of `addresses`, whoever's turn it is. */
  askAt(origin: string, path: string, signal: AbortSignal): Promise<ByteResponse> {
    const headersTimeout = this.#limits.idleMs;
    return this.#request(path, { method: 'GET', signal, headersTimeout }, origin);
  }

  /** Where the coordinators are. */
  addresses(): readonly string[] {
    return this.#ports.coordinators;
  }

  /** To the next coordinator. */
  #turn(): void {
    this.#current = (this.#current + 1) % Math.max(1, this.#ports.coordinators.length);
  }

  /**
   * Does a step again and again until it is `ok` or cannot become so. `offset` goes on at once; trouble waits a while, and
   * turns to the next coordinator. Any progress starts the count of tries anew.
   */
  async persist(
    { signal, onProgress }: MoveOptions,
    step: () => Promise<ByteAnswer>,
  ): Promise<MoveEnd> {
    const { clock, random } = this.#ports;
    let pace = freshPace(clock.monotonicMs());
    for (;;) {
      signal.throwIfAborted();
      const answer = await this.#take(step, signal);
      const next = nextStep(pace, answer, this.#limits, clock.monotonicMs(), random());
      if (next.kind === 'end') return next.end;
      if (next.pace.farthestBytes > pace.farthestBytes) onProgress?.(next.pace.farthestBytes);
      pace = next.pace;
      if (next.turn) this.#turn();
      if (next.waitMs > 0) await clock.sleep(next.waitMs, signal);
    }
  }

  async #take(step: () => Promise<ByteAnswer>, signal: AbortSignal): Promise<ByteAnswer> {
    try {
      return await step();
    } catch (error) {
      signal.throwIfAborted();
      if (!isNetwork(error)) throw error;
      return { kind: 'again', afterMs: null };
    }
  }

  async #askOffset(of: JobTicket, path: string, signal: AbortSignal): Promise<ByteAnswer> {
    const response = await this.ask('HEAD', path, authorization(of), signal);
    response.close();
    if (response.answer.kind !== 'ok') return response.answer;
    const offsetBytes = uploadProgress(response.header('upload-offset'));
    return offsetBytes === null ? { kind: 'refused' } : { kind: 'offset', offsetBytes };
  }

  async #send(
    of: JobTicket,
    path: string,
    file: LocalFile,
    offsetBytes: number,
    { signal }: MoveOptions,
  ): Promise<ByteAnswer> {
    if (offsetBytes > file.sizeBytes) return { kind: 'refused' };
    const restBytes = file.sizeBytes - offsetBytes;
    const body = restBytes === 0 ? null : this.#bodyOf(file, offsetBytes);
    try {
      const response = await this.#request(path, {
        method: 'PATCH',
        headers: {
          ...authorization(of),
          'content-type': 'application/partial-upload',
          'content-length': String(restBytes),
          'upload-offset': String(offsetBytes),
          'upload-complete': '?1',
          'upload-length': String(file.sizeBytes),
          'repr-digest': `sha-256=:${Buffer.from(file.sha256, 'hex').toString('base64')}:`,
        },
        ...(body === null ? {} : { body }),
        signal,
        headersTimeout: this.#limits.idleMs + file.sizeBytes / HASH_BYTES_PER_MS,
      });
      response.close();
      return response.answer;
    } finally {
      body?.destroy();
    }
  }

  #bodyOf({ place, sizeBytes }: LocalFile, startBytes: number): Readable {
    const { moved } = this.#ports;
    const source = createReadStream(place, {
      start: startBytes,
      end: sizeBytes - 1,
      highWaterMark: READ_BYTES,
    });
    async function* counted() {
      for await (const chunk of source as AsyncIterable<Buffer>) {
        moved('out', chunk.length);
        yield chunk;
      }
    }
    const body = Readable.from(counted(), { objectMode: false });
    body.once('close', () => source.destroy());
    return body;
  }

  async #request(
    path: string,
    options: Omit<Dispatcher.RequestOptions, 'origin' | 'path'> & { signal: AbortSignal },
    origin = this.#ports.coordinators[this.#current],
  ): Promise<ByteResponse> {
    const { dispatcher } = this.#ports;
    const url = new URL(path, origin);
    const bodyTimeout = this.#limits.idleMs;
    const { statusCode, headers, body } = await request(url, {
      ...options,
      bodyTimeout,
      dispatcher,
    });
    // Destroying a body that has not ended is an error to its stream; it is ours, and no news.
    body.on('error', () => undefined);
    const header = (name: string) => [headers[name] ?? []].flat()[0] ?? null;
    return {
      answer: judgeByteAnswer(statusCode, header('upload-offset'), header('retry-after')),
      status: statusCode,
      body,
      header,
      close: () => void body.destroy(),
    };
  }
}

export interface MoveOptions {
  readonly signal: AbortSignal;
  /** So many bytes of the file are moved for good. */
  readonly onProgress?: (bytes: number) => void;
}

export function jobPath({ feed, episode, stage, token }: JobToken): string {
  return `/v1/jobs/${feed}.${episode}.${stage}/${token}`;
}

export function authorization({ ticket }: JobTicket): Record<string, string> {
  return { authorization: `Bearer ${ticket}` };
}

const NETWORK_CODE =
  /^(?:UND_|HPE_|ERR_SSL_|E(?:CONN|PIPE|PROTO|TIMEDOUT|HOST|NET|NOTFOUND|AI_AGAIN))/;

/** What undici and the sockets throw when a connection cannot be had, is not trusted, or breaks off. */
export function isNetwork(error: unknown): boolean {
  if (isUntrusted(error)) return true;
  const code = error instanceof Error && 'code' in error ? error.code : '';
  return typeof code === 'string' && NETWORK_CODE.test(code);
}
