import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { acceptedFolder, EPISODES_ROOT } from '@podctl/domain/library-path.ts';
import type { Library } from '@podctl/platform/library.ts';
import { REMOVED_NAME } from '../core/verify.ts';
import type { Store } from './store.ts';
import type { ViewLinks } from './view-links.ts';
import { AUDIO_PREFIX } from './work.ts';

export interface AudioRemoverOptions {
  readonly store: Store;
  readonly library: Library;
  readonly views: ViewLinks;
}

/** An episode has a few runs of a few files each. */
const FILES_MAX = 1_000;
const VIEW_FILES_MAX = 10_000;

/**
 * Removes the audio of a done download whose key says that it goes, under its readable names and its own, of this run and
 * of earlier ones. What else there is of it stays. Every step may be repeated.
 */
export class AudioRemover {
  readonly #options: AudioRemoverOptions;

  constructor(options: AudioRemoverOptions) {
    this.#options = options;
  }

  /** Gives the bytes that went. 0 when the key does not say so (any more): then nothing is touched. */
  async remove(feed: FeedId, episode: EpisodeId): Promise<number> {
    const { store, library } = this.#options;
    const done = (await store.readEpisode(feed, episode)).record?.stages.download.done;
    if (done?.audio !== 'going') return 0;
    const { run, token } = done;
    const links = await this.#options.views.links(feed, episode, 'download', run, token);
    const audio = links.filter(({ from }) => isAudio(from));
    const folder = acceptedFolder(feed, episode, 'download', run, token);
    const names = audio.map(({ from }) => nameOf(from));
    // For whoever has an older backup of the state, or none.
    await library.write(`${folder}/${REMOVED_NAME}`, once(names), new AbortController().signal);
    for (const { to } of audio) await this.#removeReadable(to);
    let bytes = 0;
    const lying = await library.list(`${EPISODES_ROOT}/${feed}/${episode}/download`, FILES_MAX);
    for (const { path, sizeBytes } of lying) {
      if (!isAudio(path) || runOf(path) > run) continue;
      await library.remove(path);
      bytes += sizeBytes;
    }
    const outcome = await store.moveEpisode(feed, episode, 'download', ({ stages }) =>
      stages.download.done?.token === token && stages.download.done.audio === 'going'
        ? { kind: 'expired', token }
        : null,
    );
    // A run that was done meanwhile has the same names, and they must lead to its audio.
    if (outcome.kind !== 'moved') await this.#options.views.show(feed, episode, 'download');
    return bytes;
  }

  /** Also under the names that the episode's earlier titles gave it: each keeps all bytes of the file. */
  async #removeReadable(path: string): Promise<void> {
    const { library } = this.#options;
    const folder = path.slice(0, path.lastIndexOf('/'));
    const tail = / \[[a-z2-7]{8}\]\.[a-z0-9]+(?:\.where\.json)?$/.exec(path)?.[0];
    await library.remove(path);
    if (tail === undefined) return;
    for (const other of await library.list(folder, VIEW_FILES_MAX))
      if (other.path.endsWith(tail)) await library.remove(other.path);
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function isAudio(path: string): boolean {
  return nameOf(path).startsWith(AUDIO_PREFIX);
}

/** Infinite for a path that is none of ours: it stays. */
function runOf(path: string): number {
  const match = /^r(\d{1,15})-\d{1,15}$/.exec(path.split('/').at(-2) ?? '');
  return match === null ? Number.POSITIVE_INFINITY : Number(match[1]);
}

async function* once(names: readonly string[]): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(`${JSON.stringify(names)}\n`);
}
