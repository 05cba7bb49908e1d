import type { EpisodeMeta } from '@podctl/domain/episode-meta.ts';
import type { AudioRemoval } from '@podctl/domain/episode-state.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { acceptedFolder, viewPath } from '@podctl/domain/library-path.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import type { Library } from '@podctl/platform/library.ts';
import { readManifest } from './settle.ts';
import type { Store } from './store.ts';
import { AUDIO_PREFIX } from './work.ts';

/** The ending of a file's readable name. */
const EXTENSION: { readonly [name: string]: string } = {
  'metadata.json': 'info.json',
  'transcript.txt': 'txt',
  'transcript.srt': 'srt',
  'transcript.vtt': 'vtt',
  'transcript.json': 'json',
};

const ROUNDS_MAX = 4;
/** Every transcript, and no audio. */
const HASHED_BYTES_MAX = 4_000_000;
const HASH_MS_MAX = 10_000;

export interface ViewLinksOptions {
  readonly store: Store;
  readonly library: Library;
}

/** A file under its readable name. */
export interface ViewLink {
  readonly from: string;
  readonly to: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** The readable names of accepted files: a view that can be made again at any time, and is never what anybody decides by. */
export class ViewLinks {
  readonly #options: ViewLinksOptions;

  constructor(options: ViewLinksOptions) {
    this.#options = options;
  }

  /** Makes the names of a stage show its newest done run; reads the key again after each round, since another run may be done meanwhile. */
  async show(feed: FeedId, episode: EpisodeId, stage: Stage): Promise<void> {
    const { store, library } = this.#options;
    let shown = 0;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const { record } = await store.readEpisode(feed, episode);
      const done = record?.stages[stage].done ?? null;
      if (done === null || done.token === shown) return;
      const links = await this.links(feed, episode, stage, done.run, done.token, done.audio);
      for (const link of links) {
        // Another run came while this was done: its files go over what was just linked.
        if (shown !== 0 || !(await this.#fits(link))) await library.link(link.from, link.to);
      }
      shown = done.token;
    }
  }

  /** Size and hash; of large files size and age, since reading a whole archive again and again would wear its disk. */
  async #fits({ from, to, sizeBytes, sha256 }: ViewLink): Promise<boolean> {
    const { library } = this.#options;
    const there = await library.stat(to);
    if (there?.sizeBytes !== sizeBytes) return false;
    // A link has the time of its file, a copy a later one: an earlier one is of another run.
    if (sizeBytes > HASHED_BYTES_MAX)
      return there.modifiedMs >= ((await library.stat(from))?.modifiedMs ?? 0);
    return (await library.hash(to, AbortSignal.timeout(HASH_MS_MAX))).sha256 === sha256;
  }

  /** Where the files of a done run lie, and under which readable names; without audio that was taken away (`audio`). */
  async links(
    feed: FeedId,
    episode: EpisodeId,
    stage: Stage,
    run: number,
    token: number,
    audio?: AudioRemoval,
  ): Promise<ViewLink[]> {
    const folder = acceptedFolder(
      feed,
      episode,
      stage,
      run,
      token as Parameters<typeof acceptedFolder>[4],
    );
    const read = await readManifest(this.#options.library, folder);
    const meta = await this.#options.store.readMeta(feed, episode);
    if (!read.ok) return [];
    const isThere = ({ name }: { name: string }) =>
      audio === undefined || !name.startsWith(AUDIO_PREFIX);
    return read.value.manifest.files.filter(isThere).map(({ name, sizeBytes, sha256 }) => ({
      from: `${folder}/${name}`,
      to: readableName(feed, episode, meta, name),
      sizeBytes,
      sha256,
    }));
  }
}

function readableName(
  feed: FeedId,
  episode: EpisodeId,
  meta: EpisodeMeta | null,
  file: string,
): string {
  return viewPath({
    feedTitle: meta?.feedTitle ?? feed,
    episodeTitle: meta?.title ?? '',
    publishedMs: meta?.publishedMs ?? null,
    episodeId: episode,
    extension: EXTENSION[file] ?? file.slice(file.lastIndexOf('.') + 1),
  });
}
