import { S3Client } from '@aws-sdk/client-s3';
import type { S3Place } from '../../config/s3-place.ts';
import { LibraryError } from '../../library.ts';
import { partsOf } from '../safe-path.ts';
import { libraryErrorOf } from './s3-errors.ts';

/** So long may a connection take, or be silent. A copy within the store says nothing until it is done. */
const CONNECT_MS_MAX = 5_000;
const SILENT_MS_MAX = 60_000;
const ATTEMPTS_MAX = 4;
const CONNECTIONS_MAX = 32;
/** What S3 takes for a key, in bytes. */
const KEY_BYTES_MAX = 1_024;

/** Sizes that a test makes smaller. The store takes parts from 5 MiB to 5 GiB, 10,000 of them. */
export interface S3Sizes {
  /** Of a file that is streamed in: so many bytes of it are in memory, a few times. */
  readonly partBytes: number;
  /** Larger files are copied in parts of this size, since one call may copy 5 GB at most. */
  readonly copyBytes: number;
}

const SIZES: S3Sizes = { partBytes: 8 * 1024 ** 2, copyBytes: 512 * 1024 ** 2 };

/** A bucket, and how a library's paths are keys of it. Every call has a time limit, and is tried again a few times. */
export class S3Access {
  readonly place: S3Place;
  readonly client: S3Client;
  readonly sizes: S3Sizes;

  constructor(place: S3Place, sizes: Partial<S3Sizes> = {}) {
    this.place = place;
    this.sizes = { ...SIZES, ...sizes };
    const region = place.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
    const fallback = place.endpoint === null ? undefined : 'us-east-1';
    const named = region ?? fallback;
    this.client = new S3Client({
      ...(named === undefined ? {} : { region: named }),
      ...(place.endpoint === null ? {} : { endpoint: place.endpoint }),
      forcePathStyle: place.pathStyle,
      maxAttempts: ATTEMPTS_MAX,
      // We bring SHA-256 ourselves; another sum would be signed into URLs that others use.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: {
        connectionTimeout: CONNECT_MS_MAX,
        socketTimeout: SILENT_MS_MAX,
        httpAgent: { maxSockets: CONNECTIONS_MAX, keepAlive: true },
        httpsAgent: { maxSockets: CONNECTIONS_MAX, keepAlive: true },
      },
    });
  }

  /** Throws `LibraryError` `refused` for what is no path of a library. */
  keyOf(path: string): string {
    partsOf(path);
    const key = `${this.place.prefix}${path}`;
    if (Buffer.byteLength(key) > KEY_BYTES_MAX)
      throw new LibraryError('refused', `${path.slice(0, 200)} is too long a path for S3`);
    return key;
  }

  pathOf(key: string): string {
    return key.slice(this.place.prefix.length);
  }

  /** Bucket and key, as every command wants them. */
  at(path: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.place.bucket, Key: this.keyOf(path) };
  }

  /** Rejects with `LibraryError`, or with the signal's reason. */
  async io<T>(path: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw libraryErrorOf(error, this.place, path);
    }
  }

  close(): void {
    this.client.destroy();
  }
}
