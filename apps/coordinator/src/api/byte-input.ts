import type { IncomingMessage, ServerResponse } from 'node:http';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { FileTransfers } from '@podctl/platform/library/file-transfers.ts';
import type { Library } from '@podctl/platform/library.ts';
import type { ByteRefusal, ByteRoute } from '../core/byte-access.ts';
import { type ByteRange, matches, parseRange } from '../core/byte-headers.ts';
import { type AcceptedFile, type AcceptedInput, acceptedInput } from '../shell/work.ts';
import type { ByteMetrics } from './byte-metrics.ts';
import { TransferEnd, type Transfers } from './byte-transfers.ts';

export interface ByteInputOptions {
  readonly library: Library;
  readonly files: FileTransfers;
  readonly transfers: Transfers;
  readonly metrics: ByteMetrics;
}

export interface InputRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly route: Extract<ByteRoute, { kind: 'input' }>;
  readonly state: EpisodeState;
  readonly judge: () => ByteRefusal | null;
}

export type SentFile = Pick<InputRequest, 'request' | 'response' | 'judge'>;

/** The accepted file that a job works on, whole or from an offset on. Rejects with `TransferEnd`. */
export class ByteInput {
  readonly #options: ByteInputOptions;

  constructor(options: ByteInputOptions) {
    this.#options = options;
  }

  async send(of: InputRequest): Promise<void> {
    const { request, response } = of;
    const input = await findInput(this.#options.library, of);
    const etag = `"${input.sha256}"`;
    response.setHeader('etag', etag);
    response.setHeader('accept-ranges', 'bytes');
    response.setHeader('cache-control', 'no-store');
    if (!matches(request.headers['if-match'], etag)) return end(response, 412, 0);
    const range = parseRange(request.headers.range, input.sizeBytes);
    if (range === 'unsatisfiable') {
      response.setHeader('content-range', `bytes */${input.sizeBytes}`);
      return end(response, 416, 0);
    }
    const { startBytes, endBytes } = range ?? { startBytes: 0, endBytes: input.sizeBytes };
    if (range !== null)
      response.setHeader('content-range', `bytes ${startBytes}-${endBytes - 1}/${input.sizeBytes}`);
    response.setHeader('content-type', 'application/octet-stream');
    const status = range === null ? 200 : 206;
    if (request.method === 'HEAD') return end(response, status, endBytes - startBytes);
    await this.#stream(of, input.path, { startBytes, endBytes }, status);
  }

  /** A whole file of the library's. Rejects with `TransferEnd`. */
  sendFile(
    of: SentFile,
    file: { readonly path: string; readonly sizeBytes: number },
  ): Promise<void> {
    of.response.setHeader('cache-control', 'no-store');
    of.response.setHeader('content-type', 'application/octet-stream');
    return this.#stream(of, file.path, { startBytes: 0, endBytes: file.sizeBytes }, 200);
  }

  async #stream(
    of: SentFile,
    path: string,
    { startBytes, endBytes }: ByteRange,
    status: number,
  ): Promise<void> {
    const { files, transfers, metrics } = this.#options;
    const { response } = of;
    const { socket } = of.request;
    const transfer = await transfers.begin({
      direction: 'out',
      socket,
      judge: of.judge,
      writes: null,
    });
    try {
      response.writeHead(status, { 'content-length': String(endBytes - startBytes) });
      if (endBytes === startBytes) return void response.end();
      const source = await files.readRange(path, startBytes, endBytes);
      const counter = new Transform({
        transform: (chunk: Buffer, _encoding, done) => {
          metrics.moved('out', chunk.length);
          done(null, chunk);
        },
      });
      try {
        await pipeline(source, counter, response, { signal: transfer.signal });
      } finally {
        // A response that is gone already is refused by `pipeline`, and the file would stay open.
        source.destroy();
      }
    } catch (error) {
      throw transfer.signal.aborted ? transfer.signal.reason : error;
    } finally {
      transfer.finish();
    }
  }
}

/** The accepted file that it works on, or what is asked for beside it, as it lies there. Rejects with `TransferEnd`. */
export async function findInput(
  library: Library,
  { route, state }: InputRequest,
): Promise<AcceptedFile> {
  const read = await acceptedInput(library, route, state);
  const input = read.ok && route.name !== undefined ? besideInput(read.value, route.name) : read;
  if (!input.ok) throw new TransferEnd({ status: 404, reason: 'no_input' });
  // A file cut short would leave the agent waiting for what never comes.
  const found = await library.stat(input.value.path);
  if (found?.sizeBytes !== input.value.sizeBytes)
    throw new TransferEnd({ status: 404, reason: 'no_input' });
  return input.value;
}

function besideInput({ publisher }: AcceptedInput, name: string): Result<AcceptedFile, string> {
  return publisher?.path.endsWith(`/${name}`) === true ? ok(publisher) : err('it has no such file');
}

function end(response: ServerResponse, status: number, lengthBytes: number): void {
  response.writeHead(status, { 'content-length': String(lengthBytes) });
  response.end();
}
