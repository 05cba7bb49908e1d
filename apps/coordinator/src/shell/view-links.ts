import type { EpisodeMeta } from '@podctl/domain/episode-meta.ts';
import { type AudioRemoval, keptRun } from '@podctl/domain/episode-state.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { acceptedFolder, viewPath } from '@podctl/domain/library-path.ts';
import type { NameTemplate } from '@podctl/domain/name-template.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import { PUBLISHER_FORMS, publisherFileName } from '@podctl/domain/transcript/publisher-form.ts';
import { type Library, LibraryError } from '@podctl/platform/library.ts';
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
  'books.json': 'books.json',
  'transcript.md': 'md',
  ...Object.fromEntries(
    PUBLISHER_FORMS.map((form) => [publisherFileName(form), `original.${form}`]),
  ),
};

const ROUNDS_MAX = 4;
/** Every transcript, and no audio. */
const HASHED_BYTES_MAX = 4_000_000;
const HASH_MS_MAX = 10_000;
const POINTER_ENDING = '.where.json';
const POINTER_BYTES_MAX = 4_096;
const POINTER_MS_MAX = 30_000;

export interface ViewLinksOptions {
  readonly store: Store;
  readonly library: Library;
  /** How they are made; by default as the settings' default says. */
  readonly names?: NameTemplate | undefined;
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
    const { store } = this.#options;
    let shown = 0;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const { record } = await store.readEpisode(feed, episode);
      const done = record === null ? null : keptRun(record.stages[stage]);
      if (done === null || done.token === shown) return;
      const links = await this.links(feed, episode, stage, done.run, done.token, done.audio);
      for (const link of links) {
        // Another run came while this was done: its files go over what was just linked.
        if (shown !== 0 || !(await this.#fits(link))) await this.#give(link);
      }
      shown = done.token;
    }
  }

  /** What would take its room again is not copied: a small file tells where it is. */
  async #give(link: ViewLink): Promise<void> {
    const { library } = this.#options;
    if (!this.#isPointer(link)) return library.link(link.from, link.to);
    const { from, sizeBytes, sha256 } = link;
    const text = `${JSON.stringify({ file: from, sizeBytes, sha256 }, null, 2)}\n`;
    await library.write(link.to, once(text), AbortSignal.timeout(POINTER_MS_MAX));
  }

  #isPointer({ sizeBytes }: Pick<ViewLink, 'sizeBytes'>): boolean {
    return this.#options.library.names === 'copies' && sizeBytes > HASHED_BYTES_MAX;
  }

  async #pointerFits({ from, to }: ViewLink): Promise<boolean> {
    try {
      const bytes = await this.#options.library.readSmall(to, POINTER_BYTES_MAX);
      return new TextDecoder().decode(bytes).includes(`"${from}"`);
    } catch (error) {
      if (error instanceof LibraryError && error.code !== 'offline') return false;
      throw error;
    }
  }

  /** Size and hash; of large files size and age, since reading a whole archive again and again would wear its disk. */
  async #fits(link: ViewLink): Promise<boolean> {
    if (this.#isPointer(link)) return this.#pointerFits(link);
    const { from, to, sizeBytes, sha256 } = link;
    const { library } = this.#options;
    const recorded = await library.recorded(to);
    if (recorded !== null) return recorded.sha256 === sha256;
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
    return read.value.manifest.files.filter(isThere).map(({ name, sizeBytes, sha256 }) => {
      const to = readableName(feed, episode, meta, name, this.#options.names);
      const ending = this.#isPointer({ sizeBytes }) ? POINTER_ENDING : '';
      return { from: `${folder}/${name}`, to: `${to}${ending}`, sizeBytes, sha256 };
    });
  }
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

function readableName(
  feed: FeedId,
  episode: EpisodeId,
  meta: EpisodeMeta | null,
  file: string,
  names: NameTemplate | undefined,
): string {
  const of = {
    feedTitle: meta?.feedTitle ?? feed,
    episodeTitle: meta?.title ?? '',
    publishedMs: meta?.publishedMs ?? null,
    episodeId: episode,
    extension: EXTENSION[file] ?? file.slice(file.lastIndexOf('.') + 1),
  };
  return viewPath(of, names);
}
