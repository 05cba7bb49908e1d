import type { AgentId } from '@podctl/domain/ids.ts';
import type { ManifestDetail, ManifestFile } from '@podctl/domain/manifest.ts';
import type { ResultOutcome, Work } from '@podctl/domain/protocol.ts';
import type { Result } from '@podctl/domain/result.ts';
import type { Assignment } from '../core/assignment.ts';
import type { JobContext } from './jobs.ts';

export type TranscribeWork = Extract<Work, { kind: 'transcribe' }>;

/** Where attempts are written, and the audio that they work on is had from: a mount of the library, or a coordinator. */
export interface AttemptStore {
  /** Throws when the attempt is finished already: the machine begins a token once, so this is a bug. */
  begin(assignment: Assignment, context: JobContext): Promise<Attempt>;
  /** The accepted audio as a file of this machine, with the SHA-256 that was accepted; else how the job ends. */
  input(
    assignment: Assignment,
    work: TranscribeWork,
    signal: AbortSignal,
  ): Promise<Result<AudioInput, ResultOutcome>>;
  /** On the disk that attempts are written to; null where it does not tell. */
  freeBytes(): Promise<number | null>;
  /** Why no new work can be taken, one sentence for people; null when it can. `expectedLibrary`: the leader's. */
  problem(expectedLibrary: string | null): Promise<string | null>;
}

/** The files of one token: any number of them, then `finish`. Disposed, nothing of it is left on this machine's own disk. */
export interface Attempt extends AsyncDisposable {
  write(name: string, source: AsyncIterable<Uint8Array>): Promise<ManifestFile>;
  writeText(name: string, text: string): Promise<ManifestFile>;
  /** Where a written file is on this machine. */
  localPath(name: string): Promise<string>;
  /** Completes the attempt, the manifest last. Once it resolves to `finished`, the leader can see all of it. */
  finish(
    agent: AgentId,
    audioSeconds: number | null,
    details: Readonly<Record<string, ManifestDetail>>,
  ): Promise<ResultOutcome>;
}

/** Kept where it is until it is disposed. */
export interface AudioInput extends Disposable {
  readonly path: string;
  /** Looks again: whether the file is still there, with the SHA-256 that was accepted. Rejects where nobody can look. */
  intact(signal: AbortSignal): Promise<boolean>;
}

/** A disk that does not tell its space is taken for one with room. `what`: whose disk. */
export function spaceProblem(
  what: string,
  freeBytes: number | null,
  freeBytesMin: number,
): string | null {
  if (freeBytes === null || freeBytes >= freeBytesMin) return null;
  const inMb = (bytes: number) => `${Math.floor(bytes / 1e6)} MB`;
  return `${what} has ${inMb(freeBytes)} free, and ${inMb(freeBytesMin)} must stay free (library.freeFloor): free some space.`;
}
