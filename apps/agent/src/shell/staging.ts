import { createHash } from 'node:crypto';
import type { AgentId } from '@podctl/domain/ids.ts';
import { stagingFolder } from '@podctl/domain/library-path.ts';
import {
  encodeManifest,
  MANIFEST_NAME,
  type ManifestDetail,
  type ManifestFile,
} from '@podctl/domain/manifest.ts';
import type { ResultOutcome } from '@podctl/domain/protocol.ts';
import type { Library, WrittenFile } from '@podctl/platform/library.ts';
import type { Assignment } from '../core/assignment.ts';

/** The folder of one token: files first, the manifest last, and nothing after it. */
export class Staging {
  readonly folder: string;
  readonly #library: Library;
  readonly #assignment: Assignment;
  readonly #signal: AbortSignal;
  readonly #files: ManifestFile[] = [];

  private constructor(library: Library, assignment: Assignment, signal: AbortSignal) {
    const { cluster, job } = assignment;
    this.folder = stagingFolder(cluster, job.feed, job.episode, job.stage, job.token);
    this.#library = library;
    this.#assignment = assignment;
    this.#signal = signal;
  }

  /** Throws when the folder is finished already: the machine begins a token once, so this is a bug. */
  static async open(
    library: Library,
    assignment: Assignment,
    signal: AbortSignal,
  ): Promise<Staging> {
    const staging = new Staging(library, assignment, signal);
    if ((await library.stat(staging.path(MANIFEST_NAME))) !== null)
      throw new Error(`broken invariant: ${staging.folder} is finished and is written again`);
    return staging;
  }

  /** Those written so far; the manifest is not among them. */
  get files(): readonly ManifestFile[] {
    return this.#files;
  }

  path(name: string): string {
    return `${this.folder}/${name}`;
  }

  async write(name: string, source: AsyncIterable<Uint8Array>): Promise<ManifestFile> {
    const { sizeBytes, sha256 } = await this.#library.write(this.path(name), source, this.#signal);
    const file = { name, sizeBytes, sha256 };
    this.#files.push(file);
    return file;
  }

  writeText(name: string, text: string): Promise<ManifestFile> {
    return this.write(name, once(text));
  }

  /** Gives a finished file of this agent's own its name here. Nothing is copied where links can be made. */
  async adopt(
    name: string,
    from: string,
    { sizeBytes, sha256 }: WrittenFile,
  ): Promise<ManifestFile> {
    await this.#library.link(from, this.path(name));
    const file = { name, sizeBytes, sha256 };
    this.#files.push(file);
    return file;
  }

  /** Writes the manifest: from now on the attempt is complete. */
  async finish(
    agent: AgentId,
    audioSeconds: number | null,
    details: Readonly<Record<string, ManifestDetail>>,
  ): Promise<ResultOutcome> {
    const { cluster, session, job } = this.#assignment;
    const { feed, episode, stage, run, token } = job;
    const place = { cluster, feed, episode, stage, run, token, agent, session };
    const files = this.#files;
    const text = encodeManifest({ version: 1, ...place, files, audioSeconds, details });
    await this.#library.write(this.path(MANIFEST_NAME), once(text), this.#signal);
    const manifestSha256 = createHash('sha256').update(text).digest('hex');
    return { kind: 'finished', manifestSha256 };
  }
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
