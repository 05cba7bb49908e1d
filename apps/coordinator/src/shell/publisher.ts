import { acceptedFolder, stagingFolder } from '@podctl/domain/library-path.ts';
import { MANIFEST_NAME, type Manifest } from '@podctl/domain/manifest.ts';
import { type Library, LibraryError } from '@podctl/platform/library.ts';
import type { LockRow } from '../core/snapshot.ts';
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

/**
 * Finishes what is committed, by whomever and in whatever session: the files get their final, immutable names, then one
 * CAS flips the pointer that readers follow. Every step may be repeated.
 */
export class Publisher extends Loop {
  readonly #options: PublisherOptions;

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
    const rows = [...this.#options.replica.snapshot.locks.values()].filter(
      ({ lock }) => lock.state === 'committed',
    );
    if (rows.length === 0) return;
    const health = await this.#options.library.check();
    if (health.kind === 'offline') throw new LibraryError('offline', health.reason);
    for (let i = 0; i < rows.length && !signal.aborted; i += AT_ONCE)
      await Promise.all(rows.slice(i, i + AT_ONCE).map((row) => this.#publish(row)));
  }

  async #publish({ feed, episode, stage, lock }: LockRow): Promise<void> {
    const { store, library, views, log } = this.#options;
    try {
      const to = acceptedFolder(feed, episode, stage, lock.run, lock.token);
      const { record } = await store.readEpisode(feed, episode);
      // Not the world of today: what was committed before a restore is finished after it.
      const cluster = record?.cluster ?? store.cluster();
      const from = stagingFolder(cluster, feed, episode, stage, lock.token);
      await giveFinalNames(library, from, to);
      await store.moveEpisode(feed, episode, stage, (state) => {
        const now = state.stages[stage].lock;
        return now.state === 'committed' && now.token === lock.token
          ? { kind: 'publish', token: lock.token }
          : null;
      });
      await views.show(feed, episode, stage);
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown';
      log.error(
        { feed, episode, stage, token: lock.token, reason },
        'an accepted result cannot be published yet',
      );
    }
  }
}

/** Links each file of an attempt to its final name, the manifest last: where it is, the folder is whole. */
async function giveFinalNames(library: Library, from: string, to: string): Promise<void> {
  const there = await readManifest(library, to);
  if (there.ok) return;
  const read = await readManifest(library, from);
  if (!read.ok) throw new Error(`its files are in neither place: ${read.error}`);
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
