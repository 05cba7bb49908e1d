import { isAdopters } from '@podctl/domain/adoption/adopter.ts';
import type { ClusterId } from '@podctl/domain/ids.ts';
import {
  acceptedFolder,
  adoptedStagingFolder,
  stagingFolder,
} from '@podctl/domain/library-path.ts';
import { MANIFEST_NAME, type Manifest, type ManifestRef } from '@podctl/domain/manifest.ts';
import { type Library, LibraryError } from '@podctl/platform/library.ts';
import { type LockRow, lockId } from '../core/snapshot.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';
import type { Replica } from './replica.ts';
import { readManifest, type SettleDeps } from './settle.ts';
import type { ViewLinks } from './view-links.ts';

export interface PublisherOptions extends SettleDeps {
  readonly replica: Replica;
  readonly views: ViewLinks;
  readonly log: Logger;
}

const TICK_MS = 1_000;
const SPACING_MS = 20;
const AT_ONCE = 8;
/** Between two tries of one that failed; it doubles. */
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 60_000;

/**
 * Finishes what is committed, by whomever and in whatever session: the files get their final, immutable names, then one
 * CAS flips the pointer that readers follow. Every step may be repeated.
 */
export class Publisher extends Loop {
  readonly #options: PublisherOptions;
  readonly #failed = new Map<string, { readonly waitMs: number; readonly notBeforeMs: number }>();

  constructor(options: PublisherOptions) {
    super('publisher', {
      clock: options.clock,
      tickMs: TICK_MS,
      spacingMs: SPACING_MS,
      log: options.log,
    });
    this.#options = options;
  }

  protected override async turn(signal: AbortSignal): Promise<void> {
    const rows = this.#due();
    if (rows.length === 0) return;
    const health = await this.#options.library.check();
    if (health.kind === 'offline') throw new LibraryError('offline', health.reason);
    for (let i = 0; i < rows.length && !signal.aborted; i += AT_ONCE)
      await Promise.all(rows.slice(i, i + AT_ONCE).map((row) => this.#publish(row)));
  }

  /** What is committed, without what failed a short while ago. */
  #due(): LockRow[] {
    const nowMs = this.#options.clock.monotonicMs();
    const committed = [...this.#options.replica.snapshot.locks].filter(
      ([, { lock }]) => lock.state === 'committed',
    );
    const names = new Set(committed.map(([id, { lock }]) => `${id} ${lock.token}`));
    for (const name of this.#failed.keys()) if (!names.has(name)) this.#failed.delete(name);
    return committed
      .filter(
        ([id, { lock }]) => (this.#failed.get(`${id} ${lock.token}`)?.notBeforeMs ?? 0) <= nowMs,
      )
      .map(([, row]) => row);
  }

  #noteFailure({ feed, episode, stage, lock }: LockRow): void {
    const name = `${lockId(feed, episode, stage)} ${lock.token}`;
    const waitMs = Math.min(RETRY_MS_MAX, 2 * (this.#failed.get(name)?.waitMs ?? RETRY_MS_MIN / 2));
    const notBeforeMs = this.#options.clock.monotonicMs() + waitMs;
    this.#failed.set(name, { waitMs, notBeforeMs });
  }

  async #publish(row: LockRow): Promise<void> {
    if (!(await this.#finish(row))) return this.#noteFailure(row);
    const { feed, episode, stage } = row;
    // A view that cannot be made now is made by its repair.
    await this.#options.views.show(feed, episode, stage).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : 'unknown';
      this.#options.log.warn({ feed, episode, stage, reason }, 'the readable names must wait');
    });
  }

  /** False when it cannot be done now. */
  async #finish({ feed, episode, stage, lock }: LockRow): Promise<boolean> {
    const { store, library, log } = this.#options;
    if (lock.state !== 'committed') return true;
    try {
      const to = acceptedFolder(feed, episode, stage, lock.run, lock.token);
      const { record } = await store.readEpisode(feed, episode);
      // Not the world of today: what was committed before a restore is finished after it.
      const cluster = record?.cluster ?? store.cluster();
      const from = await this.#stagingOf({ feed, episode, stage, lock }, cluster);
      await giveFinalNames(library, from, to, lock.manifest);
      await store.moveEpisode(feed, episode, stage, (state) => {
        const now = state.stages[stage].lock;
        return now.state === 'committed' && now.token === lock.token
          ? { kind: 'publish', token: lock.token }
          : null;
      });
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown';
      log.error(
        { feed, episode, stage, token: lock.token, reason },
        'an accepted result cannot be published yet',
      );
      return false;
    }
  }

  async #stagingOf(
    { feed, episode, stage, lock }: Omit<LockRow, 'revision'>,
    cluster: ClusterId,
  ): Promise<string> {
    const attempts = stagingFolder(cluster, feed, episode, stage, lock.token);
    if (!isAdopters(lock)) return attempts;
    const adopted = adoptedStagingFolder(cluster, feed, episode, stage, lock.token);
    // Older versions put what they took in where an agent's would be.
    const isThere = await this.#options.library.stat(`${adopted}/${MANIFEST_NAME}`);
    return isThere === null ? attempts : adopted;
  }
}

/** Links each file of an attempt to its final name, the manifest last: where it is, the folder is whole. */
async function giveFinalNames(
  library: Library,
  from: string,
  to: string,
  accepted: ManifestRef,
): Promise<void> {
  const there = await readManifest(library, to);
  if (there.ok && there.value.ref.sha256 === accepted.sha256) return;
  if (there.ok)
    throw new Error(
      `${to} in the library holds another result, of cluster ${there.value.manifest.cluster}: move that folder away`,
    );
  const read = await readManifest(library, from);
  if (!read.ok) throw new Error(`its files are in neither place: ${read.error}`);
  if (read.value.ref.sha256 !== accepted.sha256)
    throw new Error(`${from} in the library does not hold the result that was accepted`);
  const { manifest } = read.value;
  for (const { name } of manifest.files) await library.link(`${from}/${name}`, `${to}/${name}`);
  await verify(library, to, manifest);
  await library.link(`${from}/${MANIFEST_NAME}`, `${to}/${MANIFEST_NAME}`);
}

async function verify(library: Library, folder: string, manifest: Manifest): Promise<void> {
  for (const { name, sizeBytes } of manifest.files) {
    const found = await library.stat(`${folder}/${name}`);
    if (found?.sizeBytes !== sizeBytes)
      throw new Error(`${folder}/${name} has not the ${sizeBytes} bytes it should have`);
  }
}
