import type { AgentId } from '@podctl/domain/ids.ts';
import type { ManifestDetail, ManifestFile } from '@podctl/domain/manifest.ts';
import type { InputWork, PublisherWork, ResultOutcome } from '@podctl/domain/protocol.ts';
import type { Result } from '@podctl/domain/result.ts';
import type { WrittenFile } from '@podctl/platform/library.ts';
import type { Assignment } from '../core/assignment.ts';
import { type DiskFloor, diskFloor } from '../core/disk-floor.ts';
import type { JobContext } from './jobs.ts';

/** Where attempts are written, and the files that they work on are had from: a mount of the library, or a coordinator. */
export interface AttemptStore {
  /** Throws when the attempt is finished already: the machine begins a token once, so this is a bug. */
  begin(assignment: Assignment, context: JobContext): Promise<Attempt>;
  /** The accepted file that a job works on as a file of this machine, with the SHA-256 that was accepted; else how the job ends. */
  input(
    assignment: Assignment,
    work: InputWork,
    signal: AbortSignal,
  ): Promise<Result<AudioInput, ResultOutcome>>;
  /** A publisher's transcript of the accepted download, whole and as it was accepted; null where it cannot be had. */
  publisherFile(
    assignment: Assignment,
    file: PublisherWork,
    signal: AbortSignal,
  ): Promise<Uint8Array | null>;
  /** What attempts at the job's run leave of long work for whoever goes on with it. */
  checkpoints(assignment: Assignment): CheckpointStore;
  /** Where files of this agent alone may grow before an attempt adopts them. */
  readonly parts: PartPlace;
  /** On the disk that attempts are written to; null where it does not tell. */
  freeBytes(): Promise<number | null>;
  /** Why no new work can be taken, one sentence for people; null when it can. `expectedLibrary`: the leader's. */
  problem(expectedLibrary: string | null): Promise<string | null>;
}

/** A folder below `staging/` on the disk that attempts are written to. */
export interface PartPlace {
  /** Absolute. */
  readonly folder: string;
  /** As `Attempt.adopt` names it. */
  readonly path: string;
}

/** The files of one token: any number of them, then `finish`. Disposed, nothing of it is left on this machine's own disk. */
export interface Attempt extends AsyncDisposable {
  write(name: string, source: AsyncIterable<Uint8Array>): Promise<ManifestFile>;
  writeText(name: string, text: string): Promise<ManifestFile>;
  /** Takes a whole, synced file that was written in `PartPlace.path`, under its name in the attempt; `from` may go then. */
  adopt(name: string, from: string, file: WrittenFile): Promise<ManifestFile>;
  /** Where a written file is on this machine. */
  localPath(name: string): Promise<string>;
  /** Completes the attempt, the manifest last. Once it resolves to `finished`, the leader can see all of it. */
  finish(
    agent: AgentId,
    audioSeconds: number | null,
    details: Readonly<Record<string, ManifestDetail>>,
  ): Promise<ResultOutcome>;
}

/** The checkpoints of one job's run. Both reject with the signal's reason, or with `LibraryError`. */
export interface CheckpointStore {
  /** The file of the farthest one with this key, whichever attempt left it: at most CHECKPOINT_BYTES_MAX. Null: there is none. */
  read(key: string, signal: AbortSignal): Promise<Uint8Array | null>;
  /** A further one, into this attempt's folder; never once that is finished. Rejects where it could not be left there. */
  write(name: string, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
}

/** Kept where it is until it is disposed. */
export interface AudioInput extends Disposable {
  readonly path: string;
  /** Looks again: whether the file is still there, with the SHA-256 that was accepted. Rejects where nobody can look. */
  intact(signal: AbortSignal): Promise<boolean>;
}

/** Tells when a disk is too full for new work, until it has room again with something to spare. */
export class SpaceWatch {
  /** Whose disk, for people. */
  readonly #what: string;
  readonly #floorBytes: number;
  #floor: DiskFloor = 'open';

  constructor(what: string, floorBytes: number) {
    this.#what = what;
    this.#floorBytes = floorBytes;
  }

  /** One sentence; null while there is room. */
  problem(freeBytes: number | null): string | null {
    this.#floor = diskFloor(this.#floor, freeBytes, 0, this.#floorBytes);
    if (this.#floor === 'open' || freeBytes === null) return null;
    const inMb = (bytes: number) => `${Math.floor(bytes / 1e6)} MB`;
    const [free, floor] = [inMb(freeBytes), inMb(this.#floorBytes)];
    return freeBytes < this.#floorBytes
      ? `${this.#what} has ${free} free, and ${floor} must stay free (library.freeFloor): free some space.`
      : `${this.#what} has ${free} free: new work is taken again when it is a tenth more than the ${floor} that must stay free (library.freeFloor).`;
  }
}
