import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type Part,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { LibraryError } from '../../library.ts';
import {
  DIRECT_PART_BYTES,
  DIRECT_REQUESTS_MAX,
  type DirectAccess,
  type PartRequest,
  type UploadPlan,
  type UploadWish,
} from '../direct-access.ts';
import { MARKER_NAME } from '../library-marker.ts';
import { stagingPartsOf } from '../safe-path.ts';
import type { S3Access } from './s3-access.ts';
import { isMissing } from './s3-errors.ts';
import type { S3Library } from './s3-library.ts';
import { SHA256_FIELD } from './s3-write.ts';

/** Long enough to begin with the last of a few parts; a clock that is off by some minutes still lets it be used. */
const EXPIRES_S = 900;
/** Signed as header fields, since a store checks the bytes against the sum in the field. */
const SUM_FIELD = 'x-amz-checksum-sha256';
const META_FIELD = `x-amz-meta-${SHA256_FIELD}`;
const KEPT_FIELDS = new Set([SUM_FIELD, META_FIELD]);
const SIGNED = {
  expiresIn: EXPIRES_S,
  unhoistableHeaders: KEPT_FIELDS,
  signableHeaders: new Set([...KEPT_FIELDS, 'content-length', 'host']),
};

/**
 * Uploads by URLs that are signed for the SHA-256 of the very bytes, so that whoever has one can put those and no others.
 * What has arrived of a file in parts is what the store lists: any coordinator goes on where another one stopped.
 */
export class S3Direct implements DirectAccess {
  readonly #library: S3Library;
  readonly #access: S3Access;

  constructor(library: S3Library) {
    this.#library = library;
    this.#access = library.access;
  }

  async planUpload(path: string, wish: UploadWish, signal: AbortSignal): Promise<UploadPlan> {
    stagingPartsOf(path);
    await this.#library.online();
    const there = await this.#library.recorded(path);
    if (there !== null) {
      const fits = there.sha256 === wish.sha256 && there.sizeBytes === wish.sizeBytes;
      return { kind: fits ? 'whole' : 'differs' };
    }
    const [only, ...more] = wish.parts;
    return this.#access.io(
      path,
      async () =>
        more.length === 0 && only !== undefined
          ? { kind: 'send', requests: [await this.#putWhole(path, wish)], arrivedBytes: 0 }
          : await this.#planParts(path, wish, signal),
      signal,
    );
  }

  readUrl(path: string): Promise<string> {
    const command = new GetObjectCommand(this.#access.at(path));
    return this.#access.io(path, () =>
      getSignedUrl(this.#access.client, command, { expiresIn: EXPIRES_S }),
    );
  }

  markerUrl(): Promise<string> {
    return this.readUrl(MARKER_NAME);
  }

  async #putWhole(path: string, { sizeBytes, sha256 }: UploadWish): Promise<PartRequest> {
    const sum = base64(sha256);
    const command = new PutObjectCommand({
      ...this.#access.at(path),
      ContentLength: sizeBytes,
      ChecksumSHA256: sum,
      Metadata: { [SHA256_FIELD]: sha256 },
    });
    const url = await getSignedUrl(this.#access.client, command, SIGNED);
    const headers = { [SUM_FIELD]: sum, [META_FIELD]: sha256 };
    return { url, headers, startBytes: 0, endBytes: sizeBytes };
  }

  async #planParts(path: string, wish: UploadWish, signal: AbortSignal): Promise<UploadPlan> {
    const upload = (await this.#uploadOf(path, signal)) ?? (await this.#begin(path, wish, signal));
    const arrived = await this.#arrived(path, upload, wish, signal);
    const missing = wish.parts.flatMap((sha256, i) =>
      arrived.has(i + 1) ? [] : [{ number: i + 1, sha256, ...placeOf(i, wish.sizeBytes) }],
    );
    if (missing.length === 0) return this.#complete(path, upload, wish, arrived, signal);
    const missingBytes = missing.reduce((sum, part) => sum + part.endBytes - part.startBytes, 0);
    const requests = missing.slice(0, DIRECT_REQUESTS_MAX).map(async (part) => {
      const { number: PartNumber, sha256, startBytes, endBytes } = part;
      const sum = base64(sha256);
      const of = { ...this.#access.at(path), UploadId: upload, PartNumber, ChecksumSHA256: sum };
      const command = new UploadPartCommand({ ...of, ContentLength: endBytes - startBytes });
      const url = await getSignedUrl(this.#access.client, command, SIGNED);
      return { url, headers: { [SUM_FIELD]: sum }, startBytes, endBytes };
    });
    const arrivedBytes = wish.sizeBytes - missingBytes;
    return { kind: 'send', requests: await Promise.all(requests), arrivedBytes };
  }

  /** Two coordinators that begin one at the same time leave a second, which is given back by the sweeper. */
  async #uploadOf(path: string, abortSignal: AbortSignal): Promise<string | null> {
    const { Bucket, Key } = this.#access.at(path);
    const command = new ListMultipartUploadsCommand({ Bucket, Prefix: Key });
    const { Uploads = [] } = await this.#access.client.send(command, { abortSignal });
    const ours = Uploads.filter((upload) => upload.Key === Key).sort(
      (a, b) => (a.Initiated?.getTime() ?? 0) - (b.Initiated?.getTime() ?? 0),
    );
    return ours[0]?.UploadId ?? null;
  }

  async #begin(path: string, wish: UploadWish, abortSignal: AbortSignal): Promise<string> {
    const command = new CreateMultipartUploadCommand({
      ...this.#access.at(path),
      ChecksumAlgorithm: 'SHA256',
      Metadata: { [SHA256_FIELD]: wish.sha256 },
    });
    const { UploadId } = await this.#access.client.send(command, { abortSignal });
    if (UploadId !== undefined) return UploadId;
    throw new LibraryError('io', `${path} could not be begun: the store gave no upload id`);
  }

  /** The parts that are there and are the announced ones, by number. A store that lists no sums has checked them all the same. */
  async #arrived(
    path: string,
    UploadId: string,
    wish: UploadWish,
    abortSignal: AbortSignal,
  ): Promise<ReadonlyMap<number, Part>> {
    const command = new ListPartsCommand({ ...this.#access.at(path), UploadId, MaxParts: 1_000 });
    const { Parts = [] } = await this.#access.client.send(command, { abortSignal });
    const fits = (part: Part): boolean => {
      const i = (part.PartNumber ?? 0) - 1;
      const { startBytes, endBytes } = placeOf(i, wish.sizeBytes);
      const sha256 = wish.parts[i];
      if (sha256 === undefined || part.Size !== endBytes - startBytes) return false;
      return part.ChecksumSHA256 === undefined || part.ChecksumSHA256 === base64(sha256);
    };
    return new Map(Parts.filter(fits).map((part) => [part.PartNumber ?? 0, part]));
  }

  async #complete(
    path: string,
    UploadId: string,
    wish: UploadWish,
    arrived: ReadonlyMap<number, Part>,
    abortSignal: AbortSignal,
  ): Promise<UploadPlan> {
    const Parts = wish.parts.map((sha256, i): CompletedPart => {
      const part = arrived.get(i + 1);
      return { PartNumber: i + 1, ETag: part?.ETag, ChecksumSHA256: base64(sha256) };
    });
    const of = { ...this.#access.at(path), UploadId, MultipartUpload: { Parts } };
    try {
      await this.#access.client.send(new CompleteMultipartUploadCommand(of), { abortSignal });
    } catch (error) {
      // Another coordinator was first, or the answer to an earlier try was lost.
      if (!isMissing(error)) throw error;
    }
    const there = await this.#library.recorded(path);
    if (there === null) return { kind: 'send', requests: [], arrivedBytes: 0 };
    return { kind: there.sha256 === wish.sha256 ? 'whole' : 'differs' };
  }
}

function placeOf(i: number, sizeBytes: number) {
  const startBytes = i * DIRECT_PART_BYTES;
  return { startBytes, endBytes: Math.min(startBytes + DIRECT_PART_BYTES, sizeBytes) };
}

function base64(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}
