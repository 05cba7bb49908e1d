import type { ServerResponse } from 'node:http';
import { FILES_MAX, MANIFEST_BYTES_MAX, MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import { type DirectAccess, parseUploadWish } from '@podctl/platform/library/direct-access.ts';
import type { Library } from '@podctl/platform/library.ts';
import { matches } from '../core/byte-headers.ts';
import { type FileRequest, folderOf, pathOf } from './byte-files.ts';
import { findInput, type InputRequest } from './byte-input.ts';
import type { ByteMetrics } from './byte-metrics.ts';
import { TransferEnd } from './byte-transfers.ts';
import { bodyOf } from './request-body.ts';

export interface ByteDirectOptions {
  readonly library: Library;
  readonly direct: DirectAccess;
  readonly metrics: ByteMetrics;
  readonly bytesMax: number;
  readonly bodyMsMax: number;
}

/** A thousand sums of 64 digits. */
const BODY_BYTES_MAX = 128 * 1024;
const PLAN_MS_MAX = 60_000;

/**
 * For a library that agents reach themselves (S3): who may is judged here as ever, and what they get is a URL for that one
 * file, not its bytes. Rejects with `TransferEnd`.
 */
export class ByteDirect {
  readonly #options: ByteDirectOptions;

  constructor(options: ByteDirectOptions) {
    this.#options = options;
  }

  /** POST on a file: what is announced of it comes in, what is to be sent of it and where goes out. */
  async plan(of: FileRequest): Promise<void> {
    const { bodyMsMax, direct, metrics } = this.#options;
    const body = await bodyOf(of.request, bodyMsMax, BODY_BYTES_MAX);
    const wish = parseUploadWish(body.toString('utf8'));
    if (!wish.ok) throw new TransferEnd({ status: 400, reason: 'bad_body' });
    if (wish.value.sizeBytes > this.#bytesMax(of.route.name))
      throw new TransferEnd({ status: 413, reason: 'too_large' });
    await this.#admit(of);
    // The body took its time: the lock may be gone meanwhile.
    const refusal = of.judge();
    if (refusal !== null) throw new TransferEnd(refusal);
    const patience = AbortSignal.timeout(PLAN_MS_MAX);
    const plan = await direct.planUpload(pathOf(of), wish.value, patience);
    if (plan.kind === 'send') metrics.signed('in', plan.requests.length);
    answerJson(of.response, plan);
  }

  /** GET on an input: where it is. HEAD tells its size. */
  async pointTo(of: InputRequest): Promise<void> {
    const { library, direct, metrics } = this.#options;
    const { request, response } = of;
    const audio = await findInput(library, of);
    const etag = `"${audio.sha256}"`;
    response.setHeader('etag', etag);
    response.setHeader('cache-control', 'no-store');
    const length = (bytes: number) => ({ 'content-length': String(bytes) });
    if (!matches(request.headers['if-match'], etag))
      return void response.writeHead(412, length(0)).end();
    if (request.method === 'HEAD')
      return void response.writeHead(200, length(audio.sizeBytes)).end();
    const location = await direct.readUrl(audio.path);
    metrics.signed('out', 1);
    response.writeHead(307, { location, ...length(0) }).end();
  }

  async #admit(of: FileRequest): Promise<void> {
    const { library } = this.#options;
    const folder = folderOf(of);
    const isManifest = of.route.name === MANIFEST_NAME;
    if (!isManifest && (await library.stat(`${folder}/${MANIFEST_NAME}`)) !== null)
      throw new TransferEnd({ status: 409, reason: 'finished' });
    // The manifest, and one more that may be in the making.
    if ((await library.list(folder, FILES_MAX + 2)).length > FILES_MAX + 1)
      throw new TransferEnd({ status: 409, reason: 'too_many_files' });
  }

  #bytesMax(name: string): number {
    return name === MANIFEST_NAME ? MANIFEST_BYTES_MAX : this.#options.bytesMax;
  }
}

function answerJson(response: ServerResponse, value: unknown): void {
  const text = `${JSON.stringify(value)}\n`;
  response.writeHead(200, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'content-length': String(Buffer.byteLength(text)),
  });
  response.end(text);
}
