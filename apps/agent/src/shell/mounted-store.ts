import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { AgentId } from '@podctl/domain/ids.ts';
import { PARTS_PATH } from '@podctl/domain/library-path.ts';
import {
  type InputWork,
  inputOf,
  type PublisherWork,
  type ResultOutcome,
} from '@podctl/domain/protocol.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { STAGE_ROWS } from '@podctl/domain/stage.ts';
import type { FileLibrary } from '@podctl/platform/library/file-library.ts';
import { placeOf } from '@podctl/platform/library/safe-path.ts';
import type { Assignment } from '../core/assignment.ts';
import { failure } from '../core/outcome.ts';
import {
  type Attempt,
  type AttemptStore,
  type AudioInput,
  type CheckpointStore,
  type PartPlace,
  SpaceWatch,
} from './attempt-store.ts';
import type { JobContext } from './jobs.ts';
import { libraryCheckpoints } from './library-checkpoints.ts';
import { Staging } from './staging.ts';

/** The library itself, mounted on this machine. What an attempt leaves in staging is the sweeper's. */
export class MountedStore implements AttemptStore {
  readonly #library: FileLibrary;
  readonly #space: SpaceWatch;
  readonly parts: PartPlace;

  constructor(library: FileLibrary, agent: AgentId, freeBytesMin: number) {
    this.#library = library;
    this.#space = new SpaceWatch('The library’s disk', freeBytesMin);
    const path = `${PARTS_PATH}/${agent}`;
    this.parts = { path, folder: join(library.root, path) };
  }

  async begin(assignment: Assignment, { signal }: JobContext): Promise<Attempt> {
    const staging = await Staging.open(this.#library, assignment, signal);
    return {
      write: (name, source) => staging.write(name, source),
      writeText: (name, text) => staging.writeText(name, text),
      adopt: (...of) => staging.adopt(...of),
      localPath: (name) => placeOf(this.#library.root, staging.path(name)),
      finish: (...of) => staging.finish(...of),
      [Symbol.asyncDispose]: async () => {},
    };
  }

  async input(
    _assignment: Assignment,
    work: InputWork,
    signal: AbortSignal,
  ): Promise<Result<AudioInput, ResultOutcome>> {
    const input = inputOf(work);
    const { sha256 } = await this.#library.hash(input.path, signal);
    if (sha256 !== input.sha256) return err(inputChanged(work, sha256));
    const path = await placeOf(this.#library.root, input.path);
    const intact = async (again: AbortSignal) =>
      (await this.#library.hash(input.path, again)).sha256 === input.sha256;
    return ok({ path, intact, [Symbol.dispose]: () => {} });
  }

  async publisherFile(
    _assignment: Assignment,
    { path, sha256, sizeBytes }: PublisherWork,
  ): Promise<Uint8Array | null> {
    const bytes = await this.#library.readSmall(path, sizeBytes);
    return createHash('sha256').update(bytes).digest('hex') === sha256 ? bytes : null;
  }

  checkpoints(assignment: Assignment): CheckpointStore {
    return libraryCheckpoints(this.#library, assignment);
  }

  async freeBytes(): Promise<number | null> {
    return (await this.#library.space()).freeBytes;
  }

  async problem(expectedLibrary: string | null): Promise<string | null> {
    const { id } = this.#library;
    // Before any wait: no work of the wrong library may slip in.
    if (expectedLibrary !== null && expectedLibrary !== id)
      return `This agent has the library ${id} mounted, and the coordinator uses ${expectedLibrary}: mount the same one.`;
    const health = await this.#library.check();
    if (health.kind === 'offline') return `The library is offline: ${health.reason}`;
    const freeBytes = await this.freeBytes().catch(() => null);
    return this.#space.problem(freeBytes);
  }
}

export function inputChanged(work: InputWork, sha256: string): ResultOutcome {
  const what = STAGE_ROWS[work.kind].input?.word ?? 'input';
  return failure(
    `${what}_changed`,
    `The ${what} in the library has SHA-256 ${sha256.slice(0, 12)}… where ${inputOf(work).sha256.slice(0, 12)}… was accepted.`,
  );
}
