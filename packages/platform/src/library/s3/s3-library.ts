import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  type _Object,
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  type ListObjectsV2CommandOutput,
} from '@aws-sdk/client-s3';
import { EPISODES_ROOT, PODCASTS_ROOT, STAGING_ROOT } from '@podctl/domain/library-path.ts';
import { formatS3Url, s3PlaceName } from '../../config/s3-place.ts';
import {
  type Library,
  LibraryError,
  type LibraryHealth,
  type ListedFile,
  type WrittenFile,
} from '../../library.ts';
import { abortable } from '../abortable.ts';
import { checkRemovable, stagingPartsOf } from '../safe-path.ts';
import type { S3Access } from './s3-access.ts';
import { copyObject } from './s3-copy.ts';
import { isMissing } from './s3-errors.ts';
import { readS3Marker } from './s3-marker.ts';
import { SHA256_FIELD, writeObject } from './s3-write.ts';

/** What one answer lists, and one call deletes. */
const PAGE_MAX = 1_000;
/** A store that says again and again that there is more, and gives nothing. */
const PAGES_MAX = 10_000;

/** A library without a prefix may have neighbours in its bucket: their uploads are none of its business. */
const LIBRARY_ROOTS = [STAGING_ROOT, EPISODES_ROOT, PODCASTS_ROOT];

/** Opens the library in a bucket. Rejects with `LibraryError` `offline` when its marker is not there or has another id. */
export async function openS3Library(
  access: S3Access,
  expectedId: string | null,
): Promise<S3Library> {
  const library = new S3Library(access, expectedId ?? (await readS3Marker(access)));
  if (expectedId !== null) await library.online();
  return library;
}

/**
 * The `s3:` driver. Never true: an object under its own name that is not whole (the store shows it at the end of a PUT or of
 * a multipart upload, and not before); a removal outside `staging/`. The marker is read before every change, and before
 * anything is said to be missing, as with a disk: a bucket that was emptied or swapped is `offline`. A second name is a copy
 * that the store makes, since it has no links. Memory does not grow with the size of a file.
 */
export class S3Library implements Library {
  readonly id: string;
  readonly access: S3Access;
  readonly names = 'copies';
  readonly place: string;

  constructor(access: S3Access, id: string) {
    this.access = access;
    this.id = id;
    this.place = formatS3Url(access.place);
  }

  async check(): Promise<LibraryHealth> {
    try {
      await this.online();
      return { kind: 'online' };
    } catch (error) {
      return { kind: 'offline', reason: error instanceof Error ? error.message : String(error) };
    }
  }

  async stat(path: string) {
    const head = await this.head(path);
    if (head === null) return null;
    const modifiedMs = head.LastModified?.getTime() ?? 0;
    return { sizeBytes: head.ContentLength ?? 0, modifiedMs };
  }

  async recorded(path: string): Promise<WrittenFile | null> {
    const head = await this.head(path);
    const sha256 = head?.Metadata?.[SHA256_FIELD] ?? '';
    if (head === null || !/^[0-9a-f]{64}$/.test(sha256)) return null;
    return { sizeBytes: head.ContentLength ?? 0, sha256 };
  }

  async readSmall(path: string, maxBytes: number): Promise<Uint8Array> {
    const body = await this.#body(path);
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    return this.access.io(path, async () => {
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        sizeBytes += chunk.length;
        // Leaving the loop destroys the body: what is left of it does not come.
        if (sizeBytes > maxBytes)
          throw new LibraryError('too_large', `${path} is larger than ${maxBytes} bytes`);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    });
  }

  async read(path: string): Promise<Readable> {
    return this.#body(path);
  }

  async write(
    path: string,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<WrittenFile> {
    signal.throwIfAborted();
    this.access.keyOf(path);
    await this.online();
    return writeObject(this.access, path, source, signal);
  }

  async link(from: string, to: string): Promise<void> {
    this.access.keyOf(to);
    await this.online();
    const head = await this.head(from);
    if (head === null) throw new LibraryError('missing', `${from} is not in the library`);
    if (isSame(head, await this.head(to))) return;
    await copyObject(this.access, from, to, head);
  }

  async hash(path: string, signal: AbortSignal): Promise<WrittenFile> {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    const body = await this.#body(path);
    await this.access.io(
      path,
      async () => {
        try {
          for await (const chunk of abortable<Uint8Array>(body, signal)) {
            hash.update(chunk);
            sizeBytes += chunk.length;
          }
        } finally {
          body.destroy();
        }
      },
      signal,
    );
    return { sizeBytes, sha256: hash.digest('hex') };
  }

  async list(folder: string, limit: number, after = ''): Promise<readonly ListedFile[]> {
    const Prefix = `${this.access.keyOf(folder)}/`;
    await this.online();
    const start = after === '' ? {} : { StartAfter: `${this.access.place.prefix}${after}` };
    const found: ListedFile[] = [];
    let more: { StartAfter?: string; ContinuationToken?: string } | null = start;
    for (let page = 0; more !== null && page < PAGES_MAX && found.length < limit; page += 1) {
      const MaxKeys = Math.min(PAGE_MAX, limit - found.length);
      const of: ListObjectsV2CommandInput = {
        ...{ Bucket: this.access.place.bucket, Prefix, MaxKeys },
        ...more,
      };
      const answer: ListObjectsV2CommandOutput = await this.access.io(folder, () =>
        this.access.client.send(new ListObjectsV2Command(of)),
      );
      found.push(...this.#filesOf(answer.Contents ?? []));
      const token: string | undefined = answer.NextContinuationToken;
      more =
        answer.IsTruncated === true && token !== undefined ? { ContinuationToken: token } : null;
    }
    return found;
  }

  /** Without the empty objects that some tools make for a folder. */
  #filesOf(objects: readonly _Object[]): ListedFile[] {
    return objects
      .filter(({ Key = '/' }) => !Key.endsWith('/'))
      .map(({ Key = '', Size = 0, LastModified }) => ({
        path: this.access.pathOf(Key),
        sizeBytes: Size,
        modifiedMs: LastModified?.getTime() ?? 0,
      }));
  }

  async removeStaging(folder: string): Promise<void> {
    stagingPartsOf(folder);
    await this.online();
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const files = await this.list(folder, PAGE_MAX);
      const paths = [...files.map(({ path }) => path), ...(page === 0 ? [folder] : [])];
      if (paths.length > 0) await this.#delete(folder, paths);
      if (files.length < PAGE_MAX) break;
    }
    const all = async () => false;
    await this.#dropUploads(`${this.access.keyOf(folder)}/`, Number.POSITIVE_INFINITY, all);
  }

  async remove(path: string): Promise<void> {
    checkRemovable(path);
    await this.online();
    await this.#delete(path, [path]);
  }

  async dropUnfinished(
    beforeMs: number,
    isNeeded: (path: string) => Promise<boolean>,
  ): Promise<number> {
    await this.online();
    return this.#dropUploads(this.access.place.prefix, beforeMs, isNeeded);
  }

  async space() {
    await this.online();
    return null;
  }

  /** Null when it is not there. Rejects with `LibraryError` `offline` where nobody can say. */
  async head(path: string): Promise<HeadObjectCommandOutput | null> {
    const of = this.access.at(path);
    const head = await this.access.io(path, async () => {
      try {
        return await this.access.client.send(new HeadObjectCommand(of));
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    });
    if (head === null) await this.online();
    return head;
  }

  async online(): Promise<void> {
    const id = await readS3Marker(this.access);
    if (id === this.id) return;
    const where = s3PlaceName(this.access.place);
    throw new LibraryError(
      'offline',
      `${where} holds the library ${id}; expected ${this.id}: is library.url right?`,
    );
  }

  async #body(path: string): Promise<Readable> {
    const of = this.access.at(path);
    try {
      const { Body } = await this.access.io(path, () =>
        this.access.client.send(new GetObjectCommand(of)),
      );
      if (Body instanceof Readable) return Body;
      throw new LibraryError('io', `${path} came without a body`);
    } catch (error) {
      if (error instanceof LibraryError && error.code === 'missing') await this.online();
      throw error;
    }
  }

  async #delete(folder: string, paths: readonly string[]): Promise<void> {
    const Objects = paths.map((path) => ({ Key: this.access.keyOf(path) }));
    const of = { Bucket: this.access.place.bucket, Delete: { Objects, Quiet: true } };
    const { Errors = [] } = await this.access.io(folder, () =>
      this.access.client.send(new DeleteObjectsCommand(of)),
    );
    const [first] = Errors.filter(({ Code }) => Code !== 'NoSuchKey');
    if (first !== undefined)
      throw new LibraryError(
        first.Code === 'AccessDenied' ? 'offline' : 'io',
        `${folder} could not be removed: ${first.Code ?? 'no reason told'}`,
      );
  }

  /** Parts of uploads that were begun before and never ended: they cost, and no list of objects shows them. */
  async #dropUploads(
    Prefix: string,
    beforeMs: number,
    isNeeded: (path: string) => Promise<boolean>,
  ): Promise<number> {
    const { bucket: Bucket } = this.access.place;
    const answer = await this.access.io(Prefix, () =>
      this.access.client.send(new ListMultipartUploadsCommand({ Bucket, Prefix })),
    );
    const stale = (answer.Uploads ?? []).filter(
      ({ Initiated, Key = '' }) =>
        Key.startsWith(Prefix) &&
        LIBRARY_ROOTS.some((root) => this.access.pathOf(Key).startsWith(`${root}/`)) &&
        (Initiated?.getTime() ?? 0) < beforeMs,
    );
    let dropped = 0;
    for (const { Key = '', UploadId } of stale) {
      if (await isNeeded(this.access.pathOf(Key))) continue;
      dropped += 1;
      await this.access.io(Prefix, async () => {
        const of = { Bucket, Key, UploadId };
        await this.access.client.send(new AbortMultipartUploadCommand(of)).catch(ended);
      });
    }
    return dropped;
  }
}

/** Somebody else was first. */
function ended(error: unknown): void {
  if (!isMissing(error)) throw error;
}

/** Whether one is a copy of the other, by what was recorded of their bytes. */
function isSame(a: HeadObjectCommandOutput, b: HeadObjectCommandOutput | null): boolean {
  const sha256 = a.Metadata?.[SHA256_FIELD];
  if (b === null || a.ContentLength !== b.ContentLength) return false;
  return sha256 === undefined ? a.ETag === b.ETag : sha256 === b.Metadata?.[SHA256_FIELD];
}
