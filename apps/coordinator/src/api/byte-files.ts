import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClusterId } from '@podctl/domain/ids.ts';
import { stagingFolder } from '@podctl/domain/library-path.ts';
import { FILES_MAX, MANIFEST_BYTES_MAX, MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import type { FileLibrary } from '@podctl/platform/library/file-library.ts';
import type { FileProgress, FileTransfers } from '@podctl/platform/library/file-transfers.ts';
import type { ByteRefusal, ByteRoute } from '../core/byte-access.ts';
import { parseUploadPiece, type UploadPiece } from '../core/byte-headers.ts';
import type { ByteMetrics } from './byte-metrics.ts';
import { type Transfer, TransferEnd, type Transfers } from './byte-transfers.ts';

export interface ByteFilesOptions {
  readonly library: FileLibrary;
  readonly files: FileTransfers;
  readonly transfers: Transfers;
  readonly metrics: ByteMetrics;
  readonly bytesMax: number;
  /** Stays free on the library's disk. */
  readonly floorBytes: number;
}

export interface FileRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly route: Extract<ByteRoute, { kind: 'file' }>;
  readonly cluster: ClusterId;
  readonly judge: () => ByteRefusal | null;
}

/**
 * The files of one token's staging folder, as its holder sends them: in pieces, each behind what is there, the last with
 * the size and SHA-256 of the whole. Nothing is written any more once the manifest is there. Rejects with `TransferEnd`.
 */
export class ByteFiles {
  readonly #options: ByteFilesOptions;

  constructor(options: ByteFilesOptions) {
    this.#options = options;
  }

  /** HEAD: how much is there and durable. Who asks goes on from there, so an older writer of the file ends. */
  async tell(of: FileRequest): Promise<void> {
    const path = pathOf(of);
    await this.#options.transfers.endWriter(path);
    const progress = await this.#options.files.progress(path);
    answer(of.response, 200, progress);
  }

  /** PATCH. */
  async take(of: FileRequest): Promise<void> {
    const piece = this.#pieceOf(of);
    const { request } = of;
    const transfer = await this.#options.transfers.begin({
      direction: 'in',
      socket: request.socket,
      judge: of.judge,
      writes: pathOf(of),
    });
    try {
      await this.#admit(of, piece);
      await this.#takePiece(of, piece, transfer);
    } catch (error) {
      throw transfer.signal.aborted ? transfer.signal.reason : error;
    } finally {
      transfer.finish();
    }
  }

  #pieceOf({ request, route }: FileRequest): UploadPiece {
    const field = (name: string) => [request.headers[name] ?? []].flat()[0];
    const piece = parseUploadPiece({
      offset: field('upload-offset'),
      complete: field('upload-complete'),
      length: field('upload-length'),
      digest: field('repr-digest'),
    });
    if (!piece.ok) throw new TransferEnd({ status: 400, reason: 'bad_header' });
    // Of an unknown length nobody could say whether there is room for it.
    if (request.headers['content-length'] === undefined)
      throw new TransferEnd({ status: 411, reason: 'bad_header' });
    const endBytes = piece.value.whole?.sizeBytes ?? piece.value.offsetBytes + lengthOf(request);
    if (endBytes > this.#bytesMax(route.name))
      throw new TransferEnd({ status: 413, reason: 'too_large' });
    return piece.value;
  }

  async #admit(of: FileRequest, { offsetBytes, whole }: UploadPiece): Promise<void> {
    const { library, floorBytes } = this.#options;
    const folder = folderOf(of);
    const isManifest = of.route.name === MANIFEST_NAME;
    if (!isManifest && (await library.stat(`${folder}/${MANIFEST_NAME}`)) !== null)
      throw new TransferEnd({ status: 409, reason: 'finished' });
    // The manifest, and one more that may be in the making.
    if ((await library.list(folder, FILES_MAX + 2)).length > FILES_MAX + 1)
      throw new TransferEnd({ status: 409, reason: 'too_many_files' });
    const space = await library.space();
    const comes = whole === null ? lengthOf(of.request) : whole.sizeBytes - offsetBytes;
    if (space !== null && space.freeBytes - comes < floorBytes)
      throw new TransferEnd({ status: 507, reason: 'no_space', retryAfterSeconds: 30 });
  }

  async #takePiece(of: FileRequest, piece: UploadPiece, transfer: Transfer): Promise<void> {
    const { files } = this.#options;
    const { whole, offsetBytes } = piece;
    const path = pathOf(of);
    const before = await files.progress(path);
    if (before.kind !== 'whole') {
      const bytesMax = whole?.sizeBytes ?? this.#bytesMax(of.route.name);
      const source = this.#counted(of.request);
      const limits = { signal: transfer.signal, bytesMax };
      const appended = await files.append(path, offsetBytes, source, limits);
      if (appended.kind === 'too_large')
        throw new TransferEnd({ status: 413, reason: 'too_large' });
      if (appended.kind === 'elsewhere') return wrongOffset(of.response, appended.sizeBytes);
      if (whole === null)
        return answer(of.response, 204, { kind: 'part', sizeBytes: appended.sizeBytes });
    }
    if (whole === null) throw new TransferEnd({ status: 409, reason: 'finished' });
    const fits = await transfer.atWork(() => files.complete(path, whole, transfer.signal));
    if (!fits) throw new TransferEnd({ status: 422, reason: 'wrong_digest' });
    answer(of.response, 204, { kind: 'whole', sizeBytes: whole.sizeBytes });
  }

  async *#counted(request: IncomingMessage): AsyncGenerator<Uint8Array> {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      this.#options.metrics.moved('in', chunk.length);
      yield chunk;
    }
  }

  #bytesMax(name: string): number {
    return name === MANIFEST_NAME ? MANIFEST_BYTES_MAX : this.#options.bytesMax;
  }
}

export function folderOf({ route, cluster }: FileRequest): string {
  return stagingFolder(cluster, route.feed, route.episode, route.stage, route.token);
}

export function pathOf(of: FileRequest): string {
  return `${folderOf(of)}/${of.route.name}`;
}

function lengthOf(request: IncomingMessage): number {
  const length = Number(request.headers['content-length'] ?? 0);
  return Number.isSafeInteger(length) ? length : 0;
}

function answer(response: ServerResponse, status: number, progress: FileProgress): void {
  const sizeBytes = progress.kind === 'absent' ? 0 : progress.sizeBytes;
  response.writeHead(status, {
    'upload-offset': String(sizeBytes),
    'upload-complete': progress.kind === 'whole' ? '?1' : '?0',
    'cache-control': 'no-store',
    ...(status === 204 ? {} : { 'content-length': '0' }),
  });
  response.end();
}

function wrongOffset(response: ServerResponse, sizeBytes: number): never {
  response.setHeader('upload-offset', String(sizeBytes));
  throw new TransferEnd({ status: 409, reason: 'wrong_offset' });
}
