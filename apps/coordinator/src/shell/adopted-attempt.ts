import { ADOPTER, adopterSession } from '@podctl/domain/adoption/adopter.ts';
import { nextRun } from '@podctl/domain/episode-move.ts';
import type { ClusterId, Token } from '@podctl/domain/ids.ts';
import { adoptedStagingFolder } from '@podctl/domain/library-path.ts';
import {
  encodeManifest,
  MANIFEST_NAME,
  type ManifestDetail,
  type ManifestFile,
} from '@podctl/domain/manifest.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import type { Library } from '@podctl/platform/library.ts';
import type { EpisodeRow } from '../core/snapshot.ts';

/** No file of the result. */
const MARK_NAME = 'adopting';

/** The staging folder of an attempt that no agent makes: files first, the manifest last. */
export class AdoptedAttempt {
  readonly folder: string;
  readonly #library: Library;
  readonly #row: EpisodeRow;
  readonly #stage: Stage;
  readonly #cluster: ClusterId;
  readonly #signal: AbortSignal;
  readonly #files: ManifestFile[] = [];

  constructor(
    library: Library,
    of: { readonly row: EpisodeRow; readonly stage: Stage; readonly cluster: ClusterId },
    signal: AbortSignal,
  ) {
    this.#library = library;
    this.#row = of.row;
    this.#stage = of.stage;
    this.#cluster = of.cluster;
    this.#signal = signal;
    const { cluster, stage } = of;
    const { feed, episode } = of.row;
    this.folder = adoptedStagingFolder(cluster, feed, episode, stage, this.token);
  }

  /** The revision that the accepting CAS expects. */
  get token(): Token {
    return this.#row.revision as Token;
  }

  async writeText(name: string, text: string): Promise<void> {
    await this.copy(name, once(text));
  }

  async copy(name: string, bytes: AsyncIterable<Uint8Array>): Promise<ManifestFile> {
    const path = `${this.folder}/${name}`;
    const written = await this.#library.write(path, bytes, this.#signal);
    return this.#note({ name, ...written });
  }

  /** Null where the library cannot have it without copying. `place`: absolute, on this machine. */
  async link(name: string, place: string): Promise<ManifestFile | null> {
    const path = `${this.folder}/${name}`;
    if (this.#library.linkIn === undefined) return null;
    // A link has the age of its file: without one that is new the sweeper would take the attempt for a leftover.
    await this.#library.write(`${this.folder}/${MARK_NAME}`, once(''), this.#signal);
    if (!(await this.#library.linkIn(place, path))) return null;
    return this.#note({ name, ...(await this.#library.hash(path, this.#signal)) });
  }

  async finish(
    audioSeconds: number | null,
    details: Readonly<Record<string, ManifestDetail>>,
  ): Promise<void> {
    const { feed, episode, state } = this.#row;
    const text = encodeManifest({
      version: 1,
      ...{ cluster: this.#cluster, feed, episode, stage: this.#stage, token: this.token },
      run: nextRun(state.stages[this.#stage]),
      ...{ agent: ADOPTER, session: adopterSession(this.token), files: this.#files },
      ...{ audioSeconds, details },
    });
    await this.#library.write(`${this.folder}/${MANIFEST_NAME}`, once(text), this.#signal);
  }

  async discard(): Promise<void> {
    await this.#library.removeStaging(this.folder);
  }

  #note(file: ManifestFile): ManifestFile {
    this.#files.push(file);
    return file;
  }
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
