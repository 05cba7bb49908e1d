import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, rename, rm, writeFile } from 'node:fs/promises';
import { MpegFrames } from '@podctl/domain/mpeg-frames.ts';
import type { WrittenFile } from '@podctl/platform/library.ts';
import { type PartRecord, parsePartRecord } from '../core/part-record.ts';
import type { Validator } from '../core/validator.ts';
import type { ResumeWish } from './http-audio.ts';

/** Written at once: small writes cost more than the bytes. */
const BATCH_BYTES = 1024 * 1024;
/** A host may send its bytes one by one, and each chunk takes memory of its own. */
const BATCH_CHUNKS = 1_024;
/** After so many bytes what is there is made safe against a crash; the last sync has little left to do then. */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
/** So many of the part's last bytes are asked for again, and must be the same. */
const OVERLAP_BYTES = 64 * 1024;
const RECORD_BYTES_MAX = 4_096;

/** What the part is of. */
export interface PartSource {
  readonly place: string;
  readonly validator: Validator | null;
  readonly totalBytes: number | null;
  readonly extension: string;
}

/** Thrown while bytes come that do not continue the part: it is dropped, and all is asked for again. */
export class PartMismatch extends Error {}

/** Thrown when the file is not any more what was written: another process of this agent's id has it, too. */
export class PartTaken extends Error {}

/**
 * One file that grows, hashed as it is written, with a record beside it.
 * States: empty → resumable (`resume` found a part that is what its record says) or fresh (`restart`) → whole or left.
 * One owner at a time has it. What is never true: a byte of it believed that its record's hash does not cover.
 */
export class PartFile {
  readonly place: string;
  readonly #file: FileHandle;
  #hash = createHash('sha256');
  #frames = new MpegFrames();
  #sizeBytes = 0;
  #source: PartSource | null = null;
  /** The part's last bytes that are still to come again. */
  #overlap: Buffer = Buffer.alloc(0);
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #writtenBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #checkpointing: Promise<void> | null = null;
  #checkpointBytes = 0;
  #isGone = false;
  /** Nobody has changed what an earlier attempt left. */
  #isUntouched = false;

  private constructor(place: string, file: FileHandle) {
    this.place = place;
    this.#file = file;
  }

  /** `place`: its data; the record lies beside it. Its folder is there. */
  static async open(place: string): Promise<PartFile> {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
    const file = await open(place, flags);
    // A crash after the adoption and before the removal: what has another name is not written to.
    if ((await file.stat()).nlink === 1) return new PartFile(place, file);
    await file.close();
    await rm(recordOf(place), { force: true });
    await rm(place, { force: true });
    return new PartFile(place, await open(place, flags | constants.O_EXCL));
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The extension that was found for a part that goes on; null when it begins. */
  get extension(): string | null {
    return this.#source?.extension ?? null;
  }

  /** Bytes that are there already are still to come again. */
  get isBehind(): boolean {
    return this.#overlap.length > 0;
  }

  get frames(): MpegFrames {
    return this.#frames;
  }

  /** Reads what is there again. Null when nothing of it can be used. */
  async resume(signal: AbortSignal): Promise<ResumeWish | null> {
    const record = await readRecord(recordOf(this.place));
    if (record === null || record.sizeBytes === 0 || !(await this.#rehash(record, signal))) {
      await this.restart(null);
      return null;
    }
    const { sizeBytes, place, validator, totalBytes, extension } = record;
    this.#source = { place, validator, totalBytes, extension };
    this.#sizeBytes = sizeBytes;
    this.#writtenBytes = sizeBytes;
    this.#checkpointBytes = sizeBytes;
    await this.#file.truncate(sizeBytes);
    const tail = Buffer.alloc(Math.min(OVERLAP_BYTES, sizeBytes));
    await this.#file.read(tail, 0, tail.length, sizeBytes - tail.length);
    this.#overlap = tail;
    return { offsetBytes: sizeBytes - tail.length, totalBytes, validator, place };
  }

  /** Forgets what is there, and begins anew. */
  async restart(source: PartSource | null): Promise<void> {
    await this.#settle();
    await rm(recordOf(this.place), { force: true });
    await this.#file.truncate(0);
    this.#hash = createHash('sha256');
    this.#frames = new MpegFrames();
    this.#source = source;
    this.#overlap = Buffer.alloc(0);
    this.#sizeBytes = 0;
    this.#writtenBytes = 0;
    this.#checkpointBytes = 0;
  }

  /** Takes bytes that follow. Resolves when more may come. Throws `PartMismatch`; rejects with what the disk says. */
  async add(chunk: Uint8Array): Promise<void> {
    const fresh = this.#overlap.length === 0 ? chunk : this.#beyondOverlap(chunk);
    if (fresh.length === 0) return;
    this.#hash.update(fresh);
    this.#frames.push(fresh);
    this.#sizeBytes += fresh.length;
    this.#pending.push(fresh);
    this.#pendingBytes += fresh.length;
    if (this.#pendingBytes < BATCH_BYTES && this.#pending.length < BATCH_CHUNKS) return;
    // One batch is written while the next one comes.
    await this.#writing;
    this.#write();
    if (this.#sizeBytes - this.#checkpointBytes >= CHECKPOINT_BYTES) this.#checkpoint();
  }

  /** Syncs it. What was hashed is what was written. Throws `PartTaken`. */
  async finish(): Promise<WrittenFile> {
    if (this.isBehind) throw new PartMismatch('the rest began before its end');
    await this.flush();
    await this.#file.sync();
    const { size } = await this.#file.stat();
    if (size !== this.#sizeBytes || !(await this.#isNamed()))
      throw new PartTaken('the part is not what was written');
    return { sizeBytes: this.#sizeBytes, sha256: this.#hash.copy().digest('hex') };
  }

  /** Leaves it for another attempt where that can go on, else removes it. Safe after an error of the disk. */
  async leave(): Promise<'kept' | 'removed'> {
    if (this.#isGone) return 'removed';
    if (this.#isUntouched) {
      this.#isGone = true;
      await this.#file.close();
      return 'kept';
    }
    const isOurs = this.#source?.validator != null && (await this.#isNamed().catch(() => false));
    const isKept = isOurs && (await this.#keep());
    if (!isKept) await this.remove();
    else await this.#file.close();
    return isKept ? 'kept' : 'removed';
  }

  /** Safe twice. */
  async remove(): Promise<void> {
    if (this.#isGone) return;
    this.#isGone = true;
    await this.#settle();
    const isNamed = await this.#isNamed().catch(() => true);
    await this.#file.close().catch(() => undefined);
    if (!isNamed) return;
    await rm(recordOf(this.place), { force: true });
    await rm(this.place, { force: true });
  }

  /** Its name leads to it, and to no other file. */
  async #isNamed(): Promise<boolean> {
    const [own, named] = [await this.#file.stat(), await lstat(this.place).catch(() => null)];
    return named !== null && named.ino === own.ino && named.dev === own.dev;
  }

  async #keep(): Promise<boolean> {
    try {
      await this.flush();
      await this.#record(this.#sizeBytes, this.#hash.copy().digest('hex'));
      return this.#sizeBytes > 0;
    } catch {
      return false;
    }
  }

  #beyondOverlap(chunk: Uint8Array): Uint8Array {
    const count = Math.min(chunk.length, this.#overlap.length);
    if (!this.#overlap.subarray(0, count).equals(chunk.subarray(0, count)))
      throw new PartMismatch('the host has other bytes there now');
    this.#overlap = this.#overlap.subarray(count);
    return chunk.subarray(count);
  }

  #write(): void {
    const chunks = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#writing = this.#writing.then(() => this.#writeAll(chunks));
    // Whoever awaits it next is told.
    this.#writing.catch(() => undefined);
  }

  async #writeAll(chunks: Uint8Array[]): Promise<void> {
    let left = chunks;
    while (left.length > 0) {
      const { bytesWritten } = await this.#file.writev(left, this.#writtenBytes);
      this.#writtenBytes += bytesWritten;
      left = without(left, bytesWritten);
    }
  }

  /** What was added can be read at its place. */
  async flush(): Promise<void> {
    if (this.#pending.length > 0) this.#write();
    await this.#writing;
    await this.#checkpointing;
  }

  #checkpoint(): void {
    if (this.#checkpointing !== null) return;
    const [sizeBytes, sha256] = [this.#sizeBytes, this.#hash.copy().digest('hex')];
    this.#checkpointBytes = sizeBytes;
    this.#checkpointing = this.#writing
      .then(() => this.#record(sizeBytes, sha256))
      // The next one may do; without any, a crash begins anew.
      .catch(() => undefined)
      .then(() => {
        this.#checkpointing = null;
      });
  }

  /** The bytes first, then what is said of them. */
  async #record(sizeBytes: number, sha256: string): Promise<void> {
    await this.#file.datasync();
    const { place, validator, totalBytes, extension } = this.#source ?? {};
    if (place === undefined || extension === undefined || validator == null) return;
    const record = { version: 1, place, validator, totalBytes, sizeBytes, sha256, extension };
    const beside = `${recordOf(this.place)}.new`;
    await writeFile(beside, JSON.stringify(record), { flush: true });
    await rename(beside, recordOf(this.place));
  }

  async #rehash(record: PartRecord, signal: AbortSignal): Promise<boolean> {
    const buffer = Buffer.alloc(BATCH_BYTES);
    for (let at = 0; at < record.sizeBytes; ) {
      this.#isUntouched = signal.aborted;
      signal.throwIfAborted();
      const want = Math.min(buffer.length, record.sizeBytes - at);
      const { bytesRead } = await this.#file.read(buffer, 0, want, at);
      if (bytesRead === 0) return false;
      const bytes = buffer.subarray(0, bytesRead);
      this.#hash.update(bytes);
      this.#frames.push(bytes);
      at += bytesRead;
    }
    return this.#hash.copy().digest('hex') === record.sha256;
  }

  /** Nothing of its own is on its way to the disk after it. */
  async #settle(): Promise<void> {
    this.#pending = [];
    this.#pendingBytes = 0;
    await this.#writing.catch(() => undefined);
    await this.#checkpointing;
    this.#writing = Promise.resolve();
  }
}

function recordOf(place: string): string {
  return `${place}.json`;
}

async function readRecord(place: string): Promise<PartRecord | null> {
  const file = await open(place, 'r').catch(() => null);
  if (file === null) return null;
  try {
    const buffer = Buffer.alloc(RECORD_BYTES_MAX);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return parsePartRecord(buffer.toString('utf8', 0, bytesRead));
  } finally {
    await file.close();
  }
}

function without(chunks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  const rest: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (left >= chunk.length) left -= chunk.length;
    else {
      rest.push(chunk.subarray(left));
      left = 0;
    }
  }
  return rest;
}
