import { basename, join } from 'node:path';
import { PARTS_PATH } from '@podctl/domain/library-path.ts';
import { MANIFEST_NAME, type ManifestFile } from '@podctl/domain/manifest.ts';
import {
  type InputWork,
  inputOf,
  type PublisherWork,
  type ResultOutcome,
} from '@podctl/domain/protocol.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { STAGE_ROWS } from '@podctl/domain/stage.ts';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { FileTransfers } from '@podctl/platform/library/file-transfers.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { placeOf } from '@podctl/platform/library/safe-path.ts';
import type { Assignment } from '../core/assignment.ts';
import { failure, returned } from '../core/outcome.ts';
import type { MoveEnd } from '../core/transfer-pace.ts';
import {
  type Attempt,
  type AttemptStore,
  type AudioInput,
  type CheckpointStore,
  type PartPlace,
  SpaceWatch,
} from './attempt-store.ts';
import type { ByteClient, LocalFile, MoveOptions } from './byte-client.ts';
import { findWay } from './byte-way.ts';
import {
  CoordinatorDesk,
  type DirectDesk,
  inputByCoordinator,
  type OwnDesk,
} from './direct-desk.ts';
import { uploadDirect } from './direct-upload.ts';
import { fetchInput } from './input-fetch.ts';
import type { JobContext } from './jobs.ts';
import { sentCheckpoints } from './sent-checkpoints.ts';
import { readSmallInput } from './small-input.ts';
import { leftAttempts, SpoolInputs } from './spool-inputs.ts';
import { Staging } from './staging.ts';
import type { StoreClient } from './store-client.ts';

export interface SpooledStorePorts {
  readonly spool: FileLibrary;
  readonly client: ByteClient;
  /** To the library's own store, where bytes go there past the coordinators. */
  readonly store: StoreClient;
  /** Where this process has credentials for that store; null: the coordinators are asked. */
  readonly own: OwnDesk | null;
  /** Stays free on this machine's disk. */
  readonly freeBytesMin: number;
  /** Of audio that is kept. */
  readonly inputBytesMax: number;
  readonly moved: (direction: 'in' | 'out', bytes: number) => void;
}

/** Somebody has to mend something first; at once it would only come back. */
const OPERATOR_WAIT_MS = 60_000;
/** What an upload adds to the progress of a download: the rest is the download's own. */
const UPLOAD_FROM = 0.95;

/** Opens the agent's own folder for attempts and audio, made the first time, without what an earlier life left half done. */
export async function openSpool(stateDir: string): Promise<FileLibrary> {
  const root = join(stateDir, 'spool');
  const spool = await openLibrary(root, null).catch(async () =>
    openLibrary(root, await createLibrary(root)),
  );
  for (let left = await leftAttempts(spool); left.length > 0; left = await leftAttempts(spool))
    for (const folder of left) await spool.removeStaging(folder);
  return spool;
}

/**
 * No mount of the library: attempts are written to a spool on this machine's disk, in the very form that they have in the
 * library, and sent to a coordinator when they are finished, the manifest last. Audio is fetched the same way back.
 */
export class SpooledStore implements AttemptStore {
  readonly #ports: SpooledStorePorts;
  readonly #transfers: FileTransfers;
  readonly #inputs: SpoolInputs;
  /** Null: bytes go through a coordinator. Known before any work is taken, since `problem` is asked first. */
  #desk: DirectDesk | null;
  readonly #space: SpaceWatch;
  readonly parts: PartPlace;

  constructor(ports: SpooledStorePorts) {
    this.#ports = ports;
    this.#space = new SpaceWatch('This machine’s disk', ports.freeBytesMin);
    this.parts = { path: PARTS_PATH, folder: join(ports.spool.root, PARTS_PATH) };
    this.#transfers = new FileTransfers(ports.spool);
    this.#inputs = new SpoolInputs(ports.spool, ports.inputBytesMax);
    this.#desk = ports.own;
  }

  async begin(assignment: Assignment, context: JobContext): Promise<Attempt> {
    const { spool } = this.#ports;
    const staging = await Staging.open(spool, assignment, context.signal);
    return {
      write: (name, source) => staging.write(name, source),
      writeText: (name, text) => staging.writeText(name, text),
      adopt: (...of) => staging.adopt(...of),
      localPath: (name) => placeOf(spool.root, staging.path(name)),
      finish: async (...of) => {
        const outcome = await staging.finish(...of);
        return outcome.kind === 'finished'
          ? this.#send(assignment, staging, outcome, context)
          : outcome;
      },
      [Symbol.asyncDispose]: () => spool.removeStaging(staging.folder),
    };
  }

  async input(
    assignment: Assignment,
    work: InputWork,
    signal: AbortSignal,
  ): Promise<Result<AudioInput, ResultOutcome>> {
    const { path: libraryPath, sha256 } = inputOf(work);
    const path = this.#inputs.pathOf(sha256, libraryPath);
    const use = this.#inputs.use(sha256);
    try {
      const end = (await this.#has(path, sha256, signal))
        ? 'done'
        : await fetchInput(this.#fetching(libraryPath), assignment, { path, sha256 }, signal);
      if (end === 'done') {
        const place = await this.#inputs.place(path);
        const intact = (again: AbortSignal) => this.#has(path, sha256, again);
        return ok({ path: place, intact, [Symbol.dispose]: () => use[Symbol.dispose]() });
      }
      use[Symbol.dispose]();
      return err(inputOutcome(end, STAGE_ROWS[work.kind].input?.word ?? 'input'));
    } catch (error) {
      use[Symbol.dispose]();
      throw error;
    }
  }

  publisherFile(
    assignment: Assignment,
    file: PublisherWork,
    signal: AbortSignal,
  ): Promise<Uint8Array | null> {
    const { client, store, own } = this.#ports;
    const open =
      own?.input(store, file.path) ?? inputByCoordinator(client, store, basename(file.path));
    return readSmallInput({ client, open }, assignment, file, signal);
  }

  checkpoints(assignment: Assignment): CheckpointStore {
    const { spool, client, store, own } = this.#ports;
    const upload = (name: string, file: LocalFile, signal: AbortSignal) =>
      this.#upload(assignment, name, file, { signal });
    const sent = sentCheckpoints({ spool, client, store, upload }, assignment);
    return own === null ? sent : { ...sent, read: own.checkpoints(assignment).read };
  }

  async freeBytes(): Promise<number | null> {
    return (await this.#ports.spool.space()).freeBytes;
  }

  async problem(expectedLibrary: string | null): Promise<string | null> {
    const { spool, freeBytesMin } = this.#ports;
    const health = await spool.check();
    if (health.kind === 'offline') return `The agent’s spool is gone: ${health.reason}`;
    if (((await this.freeBytes()) ?? 0) < freeBytesMin) await this.#inputs.evict(0);
    const full = this.#space.problem(await this.freeBytes());
    return full ?? (await this.#wayProblem(expectedLibrary));
  }

  /** Whether it lies here already, and is what it is said to be. */
  async #has(path: string, sha256: string, signal: AbortSignal): Promise<boolean> {
    const { spool } = this.#ports;
    if ((await spool.stat(path)) === null) return false;
    if ((await spool.hash(path, signal)).sha256 === sha256) return true;
    await this.#inputs.drop(sha256);
    return false;
  }

  async #wayProblem(expectedLibrary: string | null): Promise<string | null> {
    const { client, store, own } = this.#ports;
    if (own !== null) return own.problem(expectedLibrary);
    const { problem, isDirect } = await findWay(client, store, expectedLibrary);
    if (problem === null) this.#desk = isDirect ? new CoordinatorDesk(client) : null;
    return problem;
  }

  #fetching(libraryPath: string) {
    const { spool, client, store, own, freeBytesMin, moved } = this.#ports;
    const makeRoom = (bytes: number) => this.#inputs.makeRoom(bytes);
    const open = own?.input(store, libraryPath) ?? inputByCoordinator(client, store);
    return { spool, client, open, transfers: this.#transfers, freeBytesMin, moved, makeRoom };
  }

  async #send(
    assignment: Assignment,
    staging: Staging,
    outcome: Extract<ResultOutcome, { kind: 'finished' }>,
    { signal, progress }: JobContext,
  ): Promise<ResultOutcome> {
    const files = [...staging.files, await this.#manifestOf(staging, outcome)];
    const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    let sentBytes = 0;
    for (const file of files) {
      const place = await placeOf(this.#ports.spool.root, staging.path(file.name));
      const end = await this.#upload(
        assignment,
        file.name,
        { ...file, place },
        {
          signal,
          onProgress: (bytes) =>
            progress(UPLOAD_FROM + ((1 - UPLOAD_FROM) * (sentBytes + bytes)) / totalBytes),
        },
      );
      // The lock went to somebody else, or was committed as it is: the leader is asked, as always, and its answer counts.
      if (end === 'gone') return outcome;
      if (end !== 'done') return uploadOutcome(end, file.name);
      sentBytes += file.sizeBytes;
    }
    if (assignment.job.stage === 'download') await this.#keepAudio(staging);
    return outcome;
  }

  #upload(of: Assignment, name: string, file: LocalFile, options: MoveOptions): Promise<MoveEnd> {
    const { client, store, moved } = this.#ports;
    const desk = this.#desk;
    return desk === null
      ? client.upload(of, name, file, options)
      : uploadDirect({ client, desk, store, moved }, of, name, file, options);
  }

  async #manifestOf(
    staging: Staging,
    { manifestSha256 }: { readonly manifestSha256: string },
  ): Promise<ManifestFile> {
    const found = await this.#ports.spool.stat(staging.path(MANIFEST_NAME));
    return { name: MANIFEST_NAME, sizeBytes: found?.sizeBytes ?? 0, sha256: manifestSha256 };
  }

  /** What is kept saves a fetch, and nothing depends on it. */
  async #keepAudio(staging: Staging): Promise<void> {
    const audio = staging.files.find(({ name }) => name.startsWith('audio.'));
    if (audio === undefined) return;
    await this.#inputs.keep(staging.path(audio.name), audio).catch(() => undefined);
  }
}

function uploadOutcome(end: Exclude<MoveEnd, 'done' | 'gone'>, name: string): ResultOutcome {
  switch (end) {
    case 'stuck':
      return returned(
        `${name} could not be sent to any coordinator: see to its byte listener and the way there.`,
        'upload_stuck',
        OPERATOR_WAIT_MS,
      );
    case 'damaged':
      return failure('upload_damaged', `${name} did not arrive as it was sent, again and again.`);
    case 'changed':
    case 'missing':
    case 'refused':
      return failure('upload_refused', `The coordinator refused ${name}.`);
  }
}

/** @param what it works on, for people. */
function inputOutcome(end: Exclude<MoveEnd, 'done'>, what: string): ResultOutcome {
  switch (end) {
    case 'gone':
      return returned('The lock is not this agent’s any more.', 'gone');
    case 'stuck':
      return returned(
        `The ${what} could not be fetched from any coordinator: see to its byte listener and the way there.`,
        'input_stuck',
        OPERATOR_WAIT_MS,
      );
    case 'changed':
      return failure(
        `${what}_changed`,
        `The ${what} in the library is not the one that was accepted.`,
      );
    case 'missing':
      return failure('library_missing', `The accepted ${what} is not in the library.`);
    case 'damaged':
      return failure(
        'input_damaged',
        `The ${what} did not arrive as it was accepted, again and again.`,
      );
    case 'refused':
      return failure('input_refused', `The coordinator refused to give the ${what}.`);
  }
}
