import {
  type AboutTranscript,
  adoptedTranscript,
  type FoundTexts,
} from '@podctl/domain/adoption/adopted-transcript.ts';
import type { ArchiveEntry, ArchiveFile } from '@podctl/domain/adoption/archive.ts';
import { SNIFF_BYTES, sniff } from '@podctl/domain/audio-kind.ts';
import type { EpisodeMeta } from '@podctl/domain/episode-meta.ts';
import { keptRun } from '@podctl/domain/episode-state.ts';
import { shownKey } from '@podctl/domain/feed/shown-key.ts';
import { withoutSecrets } from '@podctl/domain/feed/url.ts';
import { choicesOf } from '@podctl/domain/feed-record.ts';
import { acceptedFolder } from '@podctl/domain/library-path.ts';
import type { ManifestFile } from '@podctl/domain/manifest.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import type { AudioFacts } from '@podctl/platform/audio-facts.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { codeOf } from '@podctl/platform/library/synced-folder.ts';
import { type EpisodeRow, episodeRow } from '../core/snapshot.ts';
import { AdoptedAttempt } from './adopted-attempt.ts';
import type { AdoptionSource, FileMark } from './adoption-source.ts';
import type { Fleet } from './fleet.ts';
import { readManifest } from './settle.ts';

/** link: the archive keeps its files, the bytes are there once. move: the archive gives them up. */
export type AdoptHow = 'link' | 'move' | 'copy';

/** `problem`: it is taken in, and this went wrong afterwards; null: nothing did. */
export type StageAdopted =
  | { readonly kind: 'adopted'; readonly problem: string | null }
  | { readonly kind: 'left'; readonly reason: string };

export interface AdoptedStagesOptions {
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly source: AdoptionSource;
  readonly how: AdoptHow;
  /** Names what is asked for on the way, so that it counts once. */
  readonly request: string;
}

/** What changed later than that may be half a file: whoever downloads it has not said that it is whole. */
const QUIET_MS = 30_000;
const BEING_WRITTEN = 'it has just been written to: run the same again when it is whole';
const NO_LINK =
  'it cannot be linked into the library (another disk, or a file of another user): use --how move or --how copy';
const TEXT_BYTES_MAX = 32 * 1024 * 1024;
/** The leader answers, or publishes, within moments. */
const CHANGE_MS_MAX = 60_000;

/** Puts the files of one episode into staging, and has them accepted. */
export class AdoptedStages {
  readonly #options: AdoptedStagesOptions;
  readonly #signal: AbortSignal;
  #bytes = 0;

  constructor(options: AdoptedStagesOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** Of audio taken in. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What keeps audio from being taken in, as far as can be said without trying; null: nothing. */
  async whyNotAudio(audio: ArchiveFile): Promise<string | null> {
    const { how, source } = this.#options;
    if (how === 'link' && !source.isBesideLibrary) return NO_LINK;
    return (await this.#markOf(audio)) === null ? BEING_WRITTEN : null;
  }

  async download(
    row: EpisodeRow,
    { audio }: ArchiveEntry,
    facts: AudioFacts | null,
    isDead: boolean,
  ): Promise<StageAdopted> {
    const { fleet } = this.#options;
    const free = isDead ? await this.#freed(row, 'download') : row;
    const meta = await fleet.meta(row.feed, row.episode);
    if (free === null || meta === null || audio === null || facts === null)
      return left('its episode cannot be read now: run the same again');
    const before = await this.#markOf(audio);
    if (before === null) return left(BEING_WRITTEN);
    await using attempt = this.#attempt(free, 'download');
    const kind = sniff(await this.#head(audio));
    const name = `audio.${kind.kind === 'audio' ? kind.extension : 'bin'}`;
    const file = await this.#take(attempt, name, audio);
    if (file === null) return left(NO_LINK);
    const metadata = metadataOf(row, meta, file, facts, this.#options.clock.wallMs());
    await attempt.writeText('metadata.json', `${JSON.stringify(metadata, null, 2)}\n`);
    const { codec, container, seconds } = facts;
    if (!isSameMark(before, await this.#options.source.mark(audio.path)))
      return left(BEING_WRITTEN);
    const refusal = await attempt.finishAndAccept(seconds, {
      ...{ codec, container, etag: null, adopted: true },
    });
    if (refusal !== null) return left(`${refusal}: run the same again`);
    this.#bytes += file.sizeBytes;
    return this.#given([audio]);
  }

  async transcribe(row: EpisodeRow, entry: ArchiveEntry, isDead: boolean): Promise<StageAdopted> {
    const { feed, episode } = row;
    const heard = await this.#after(row, ({ state }) => keptRun(state.stages.download) !== null);
    const free = heard !== null && isDead ? await this.#freed(heard, 'transcribe') : heard;
    if (free === null) return left('its audio is not published yet: run the same again');
    const { texts, files } = await this.#texts(entry);
    const transcript = adoptedTranscript(texts, await this.#about(free, entry, files));
    if (transcript === null) return left('no words are in its transcript');
    const now = episodeRow(this.#options.fleet.picture().snapshot, feed, episode) ?? free;
    await using attempt = this.#attempt(now, 'transcribe');
    for (const [name, text] of transcript.files) await attempt.writeText(name, text);
    const { language, segments, timed } = transcript;
    const seconds = free.state.stages.download.done?.manifest.audioSeconds ?? null;
    const details = { language, segments, timed, adopted: true };
    const refusal = await attempt.finishAndAccept(seconds, details);
    if (refusal !== null) return left(`${refusal}: run the same again`);
    return this.#given(files);
  }

  #attempt(row: EpisodeRow, stage: Stage) {
    const { fleet } = this.#options;
    const cluster = fleet.picture().snapshot.cluster;
    if (cluster === null) throw new Error('broken invariant: episodes are known of no cluster');
    const attempt = new AdoptedAttempt(fleet.library, { row, stage, cluster }, this.#signal);
    const { feed, episode, revision } = row;
    const isUntouched = () =>
      episodeRow(fleet.picture().snapshot, feed, episode)?.revision === revision;
    let isAsked = false;
    return Object.assign(attempt, {
      /** Why it is not accepted; else null. */
      finishAndAccept: async (...of: Parameters<AdoptedAttempt['finish']>) => {
        if (!isUntouched()) return 'something happened to the episode meanwhile';
        await attempt.finish(...of);
        isAsked = true;
        const { token } = attempt;
        return fleet.orders.adoptResult({ feed, episode, stage, token });
      },
      [Symbol.asyncDispose]: async () => {
        // It may be accepted though no answer came: what it is then, the sweeper finds out.
        if (!isAsked) await attempt.discard();
      },
    });
  }

  async #take(
    attempt: AdoptedAttempt,
    name: string,
    { path }: ArchiveFile,
  ): Promise<ManifestFile | null> {
    const { source, how } = this.#options;
    const linked = how === 'copy' ? null : await attempt.link(name, source.place(path));
    return linked ?? (how === 'link' ? null : await attempt.copy(name, source.bytes(path)));
  }

  /** What is taken in already stays so, whatever becomes of the archive's own file. */
  async #given(files: readonly ArchiveFile[]): Promise<StageAdopted> {
    if (this.#options.how !== 'move') return { kind: 'adopted', problem: null };
    let problem: string | null = null;
    for (const { path } of files)
      await this.#options.source.remove(path).catch((error: unknown) => {
        problem = `it is taken in, but ${path} could not be removed (${codeOf(error)}): remove it yourself`;
      });
    return { kind: 'adopted', problem };
  }

  /** Null while somebody may still be writing it. */
  async #markOf({ path, sizeBytes }: ArchiveFile): Promise<FileMark | null> {
    const { source, clock } = this.#options;
    const mark = await source.mark(path);
    const ageMs = clock.wallMs() - mark.modifiedMs;
    const isYoung = ageMs >= 0 && ageMs < QUIET_MS;
    return isYoung || mark.sizeBytes !== sizeBytes ? null : mark;
  }

  async #head({ path }: ArchiveFile): Promise<Uint8Array> {
    for await (const chunk of this.#options.source.bytes(path))
      return chunk.subarray(0, SNIFF_BYTES);
    return new Uint8Array();
  }

  async #texts({ transcripts, json }: ArchiveEntry) {
    const read = (file: ArchiveFile | undefined) =>
      file === undefined ? null : this.#options.source.text(file.path, TEXT_BYTES_MAX);
    const texts: FoundTexts = {
      txt: await read(transcripts.txt),
      srt: await read(transcripts.srt),
      vtt: await read(transcripts.vtt),
      json: await read(json[0]),
    };
    return { texts, files: Object.values(transcripts) };
  }

  async #about(
    { feed, episode, state }: EpisodeRow,
    entry: ArchiveEntry,
    files: readonly ArchiveFile[],
  ): Promise<AboutTranscript> {
    const { fleet, source } = this.#options;
    const { done } = state.stages.download;
    const folder =
      done === null ? null : acceptedFolder(feed, episode, 'download', done.run, done.token);
    const read = folder === null ? null : await readManifest(fleet.library, folder);
    const manifest = read?.ok === true ? read.value.manifest : null;
    const audio = manifest?.files.find(({ name }) => name.startsWith('audio.'));
    const made = await Promise.all(files.map(({ path }) => source.mark(path)));
    const { record } = fleet.picture().snapshot.feeds.get(feed) ?? { record: null };
    return {
      language: entry.language ?? choicesOf(record).language ?? null,
      audioSeconds: manifest?.audioSeconds ?? 0,
      audioSha256: audio?.sha256 ?? '',
      madeAtMs: Math.max(0, ...made.map(({ modifiedMs }) => modifiedMs)),
    };
  }

  /** What was given up is wanted again, and free. */
  async #freed(row: EpisodeRow, stage: Stage): Promise<EpisodeRow | null> {
    const { feed, episode } = row;
    const { fleet, request } = this.#options;
    await fleet.orders.retryJobs(request, [{ feed, episode, stage }]);
    return this.#after(row, ({ state }) => state.stages[stage].lock.state === 'free');
  }

  /** The episode once it is so; null when it is not in time. */
  async #after(
    { feed, episode }: EpisodeRow,
    holds: (row: EpisodeRow) => boolean,
  ): Promise<EpisodeRow | null> {
    const { fleet, clock } = this.#options;
    const now = () => {
      const row = episodeRow(fleet.picture().snapshot, feed, episode);
      return row !== null && holds(row) ? row : null;
    };
    const first = now();
    if (first !== null) return first;
    const over = new AbortController();
    const changed = Promise.withResolvers<EpisodeRow>();
    const stop = fleet.onChange(() => {
      const row = now();
      if (row !== null) changed.resolve(row);
    });
    try {
      const until = AbortSignal.any([this.#signal, over.signal]);
      const late = clock.sleep(CHANGE_MS_MAX, until).then(() => null);
      return await Promise.race([changed.promise, late]);
    } finally {
      stop();
      over.abort();
    }
  }
}

function left(reason: string): StageAdopted {
  return { kind: 'left', reason };
}

function isSameMark(a: FileMark, b: FileMark): boolean {
  return a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs;
}

/** As the metadata of a downloaded one, with what is known of it. */
function metadataOf(
  { feed, episode }: EpisodeRow,
  meta: EpisodeMeta,
  file: ManifestFile,
  facts: AudioFacts,
  nowMs: number,
) {
  const { feedTitle, title, guid, publishedMs, url } = meta;
  return {
    ...{ feed, feedTitle, episode, title, guid: guid === null ? null : shownKey(guid) },
    published: publishedMs === null ? null : new Date(publishedMs).toISOString(),
    url: withoutSecrets(url),
    adopted: new Date(nowMs).toISOString(),
    ...{ file: file.name, bytes: file.sizeBytes, sha256: file.sha256 },
    ...{ durationSeconds: facts.seconds, codec: facts.codec, container: facts.container },
  };
}
