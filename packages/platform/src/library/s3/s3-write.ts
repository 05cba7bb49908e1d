import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { LibraryError, type WrittenFile } from '../../library.ts';
import { abortable } from '../abortable.ts';
import type { S3Access } from './s3-access.ts';

/** With the one that is filled, so many parts are in memory at most. */
const PARTS_ON_THEIR_WAY_MAX = 3;
const PARTS_MAX = 10_000;
const CLEAN_UP_MS_MAX = 15_000;

/** Name of the metadata field that says what the object's bytes hash to, in hex. */
export const SHA256_FIELD = 'sha256';

/**
 * Streams a file in: in one piece where it is small, else in parts that become one object at the end. However it fails,
 * the parts are given back; what a crash leaves of them is the sweeper's. Rejects with the source's error as it is.
 */
export async function writeObject(
  access: S3Access,
  path: string,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<WrittenFile> {
  const writer = new ObjectWriter(access, path, signal);
  try {
    for await (const chunk of abortable(source, signal)) await writer.take(chunk);
    return await writer.finish();
  } catch (error) {
    await writer.giveUp();
    throw signal.aborted ? signal.reason : error;
  }
}

class ObjectWriter {
  readonly #access: S3Access;
  readonly #path: string;
  readonly #signal: AbortSignal;
  readonly #hash = createHash('sha256');
  readonly #part: Buffer;
  readonly #parts: CompletedPart[] = [];
  readonly #onTheirWay = new Set<Promise<void>>();
  #filled = 0;
  #sizeBytes = 0;
  #begun = 0;
  #upload: string | null = null;
  #failed: unknown = null;

  constructor(access: S3Access, path: string, signal: AbortSignal) {
    this.#access = access;
    this.#path = path;
    this.#signal = signal;
    this.#part = Buffer.allocUnsafe(access.sizes.partBytes);
  }

  async take(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    this.#sizeBytes += chunk.length;
    for (let at = 0; at < chunk.length; ) {
      // Only now is it known that more than one part comes.
      if (this.#filled === this.#part.length) await this.#sendPart();
      const piece = chunk.subarray(at, at + this.#part.length - this.#filled);
      this.#part.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
    }
  }

  async finish(): Promise<WrittenFile> {
    if (this.#upload === null) return this.#putWhole();
    await this.#sendPart();
    await Promise.all(this.#onTheirWay);
    this.#throwIfFailed();
    const UploadId = this.#upload;
    const Parts = this.#parts.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
    const of = { ...this.#access.at(this.#path), UploadId, MultipartUpload: { Parts } };
    await this.#io((options) =>
      this.#access.client.send(new CompleteMultipartUploadCommand(of), options),
    );
    return { sizeBytes: this.#sizeBytes, sha256: this.#hash.digest('hex') };
  }

  /** Never rejects. */
  async giveUp(): Promise<void> {
    this.#failed ??= new Error('given up');
    await Promise.all(this.#onTheirWay);
    if (this.#upload === null) return;
    const of = { ...this.#access.at(this.#path), UploadId: this.#upload };
    const abortSignal = AbortSignal.timeout(CLEAN_UP_MS_MAX);
    await this.#access.client
      .send(new AbortMultipartUploadCommand(of), { abortSignal })
      .catch(() => undefined);
  }

  async #putWhole(): Promise<WrittenFile> {
    const body = this.#part.subarray(0, this.#filled);
    const digest = this.#hash.digest();
    const of = {
      ...this.#access.at(this.#path),
      Body: body,
      ContentLength: body.length,
      ChecksumSHA256: digest.toString('base64'),
      Metadata: { [SHA256_FIELD]: digest.toString('hex') },
    };
    await this.#io((options) => this.#access.client.send(new PutObjectCommand(of), options));
    return { sizeBytes: this.#sizeBytes, sha256: digest.toString('hex') };
  }

  async #sendPart(): Promise<void> {
    this.#upload ??= await this.#begin();
    while (this.#onTheirWay.size >= PARTS_ON_THEIR_WAY_MAX) await Promise.race(this.#onTheirWay);
    this.#throwIfFailed();
    this.#begun += 1;
    if (this.#begun > PARTS_MAX)
      throw new LibraryError('too_large', `${this.#path} is larger than ${PARTS_MAX} parts of it`);
    const body = Buffer.from(this.#part.subarray(0, this.#filled));
    this.#filled = 0;
    const sending = this.#uploadPart(this.#begun, body, this.#upload)
      .catch((error: unknown) => {
        this.#failed ??= error;
      })
      .finally(() => this.#onTheirWay.delete(sending));
    this.#onTheirWay.add(sending);
  }

  async #uploadPart(PartNumber: number, Body: Buffer, UploadId: string): Promise<void> {
    const ChecksumSHA256 = createHash('sha256').update(Body).digest('base64');
    const of = { ...this.#access.at(this.#path), UploadId, PartNumber, Body, ChecksumSHA256 };
    const { ETag } = await this.#io((options) =>
      this.#access.client.send(
        new UploadPartCommand({ ...of, ContentLength: Body.length }),
        options,
      ),
    );
    this.#parts.push({ PartNumber, ETag, ChecksumSHA256 });
  }

  async #begin(): Promise<string> {
    const of = { ...this.#access.at(this.#path), ChecksumAlgorithm: 'SHA256' as const };
    const { UploadId } = await this.#io((options) =>
      this.#access.client.send(new CreateMultipartUploadCommand(of), options),
    );
    if (UploadId !== undefined) return UploadId;
    throw new LibraryError('io', `${this.#path} could not be begun: the store gave no upload id`);
  }

  #throwIfFailed(): void {
    if (this.#failed !== null) throw this.#failed;
  }

  #io<T>(work: (options: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    const abortSignal = this.#signal;
    return this.#access.io(this.#path, () => work({ abortSignal }), abortSignal);
  }
}
