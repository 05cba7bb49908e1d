import type { EpisodeMeta } from '@podctl/domain/episode-meta.ts';
import { nextRun } from '@podctl/domain/episode-move.ts';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import { withoutSecrets } from '@podctl/domain/feed/url.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { acceptedFolder } from '@podctl/domain/library-path.ts';
import type { LanguageProbeWork, PublisherWork, Work } from '@podctl/domain/protocol.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { wishedModel } from '@podctl/domain/run-wish.ts';
import { STAGE_ROWS, type Stage } from '@podctl/domain/stage.ts';
import type { EpisodeHeading } from '@podctl/domain/transcript/markdown.ts';
import type { Library } from '@podctl/platform/library.ts';
import {
  keptPublisher,
  offersOf,
  preferredOf,
  type TranscriptPolicy,
} from '../core/publisher-work.ts';
import type { FreshUrls } from './fresh-urls.ts';
import { readManifest } from './settle.ts';
import { type Store, UnreadableValue } from './store.ts';

export interface WorkOptions {
  readonly store: Store;
  readonly library: Library;
  readonly model: string;
  readonly language: string | null;
  readonly prompt?: string | undefined;
  readonly hotwords?: string | undefined;
  readonly transcripts?: TranscriptPolicy | undefined;
  readonly qualityMin?: number | undefined;
  readonly languageProbe?: LanguageProbeWork | undefined;
  /** URLs of feeds that give another one at each reading; absent: what is known is used. */
  readonly urls?: Pick<FreshUrls, 'urlOf'> | undefined;
}

/** The name of the audio in a download's manifest begins so; its ending tells the container. */
export const AUDIO_PREFIX = 'audio.';

export interface AcceptedFile {
  /** In the library. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** A file that a stage works on. */
export interface AcceptedInput extends AcceptedFile {
  /** The publisher's transcript beside audio; null where none was kept. */
  readonly publisher: PublisherWork | null;
}

/**
 * What the agent needs to know to do a stage of an episode; null while its feed is read for the URL, ask again. Errors are
 * one sentence.
 */
export async function workFor(
  options: WorkOptions,
  feed: FeedId,
  episode: EpisodeId,
  stage: Stage,
  state: EpisodeState,
): Promise<Result<Work | null, string>> {
  switch (stage) {
    case 'download': {
      const meta = await options.store.readMeta(feed, episode);
      if (meta === null)
        return err('nothing is known of it but its state: its feed must be read again');
      const { feedTitle, title, guid, publishedMs, isUrlRestless = false } = meta;
      const read = isUrlRestless ? options.urls?.urlOf(feed, episode) : undefined;
      if (read?.kind === 'wait') return ok(null);
      const url = read?.kind === 'fresh' ? read.url : meta.url;
      const facts = { feedTitle, title, guid, publishedMs };
      return ok({ kind: 'download', url, episode: facts, ...offersOf(options, meta) });
    }
    case 'transcribe':
      return transcribeWork(options, { feed, episode, stage }, state);
    case 'score': {
      const transcript = await acceptedInput(options.library, { feed, episode, stage }, state);
      if (!transcript.ok) return transcript;
      const { path: transcriptPath, sha256: transcriptSha256 } = transcript.value;
      const audioSeconds = state.stages.transcribe.done?.manifest.audioSeconds ?? null;
      return ok({ kind: 'score', transcriptPath, transcriptSha256, audioSeconds });
    }
  }
}

async function transcribeWork(
  options: WorkOptions,
  of: JobName,
  state: EpisodeState,
): Promise<Result<Work, string>> {
  const audio = await acceptedInput(options.library, of, state);
  if (!audio.ok) return audio;
  const { language, prompt, hotwords, qualityMin, languageProbe } = options;
  const { transcribe } = state.stages;
  const wished = wishedModel(transcribe, nextRun(transcribe));
  const model = wished ?? options.model;
  const meta = await knownMeta(options.store, of.feed, of.episode);
  return ok({
    kind: 'transcribe',
    audioPath: audio.value.path,
    audioSha256: audio.value.sha256,
    audioSeconds: state.stages.download.done?.manifest.audioSeconds ?? null,
    model,
    language,
    prompt,
    hotwords,
    qualityMin,
    languageProbe,
    ...(meta === null ? {} : { episode: headingOf(meta) }),
    // Who asks for a model wants to see what it hears.
    ...(wished === null ? preferredOf(options, audio.value.publisher) : {}),
  });
}

/** Null also when a newer version wrote it: it decides nothing here. */
async function knownMeta(store: Store, feed: FeedId, episode: EpisodeId) {
  try {
    return await store.readMeta(feed, episode);
  } catch (error) {
    if (error instanceof UnreadableValue) return null;
    throw error;
  }
}

/** What may be shown of it above its text. */
export function headingOf({ feedTitle, title, publishedMs, link }: EpisodeMeta): EpisodeHeading {
  const about = { feedTitle, title, publishedMs };
  return link === undefined ? about : { ...about, link: withoutSecrets(link) };
}

interface JobName {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly stage: Stage;
}

/** The accepted file that a stage of an episode works on. Errors are one sentence; rejects when the library is away. */
export async function acceptedInput(
  library: Library,
  { feed, episode, stage }: JobName,
  state: EpisodeState,
): Promise<Result<AcceptedInput, string>> {
  const { input } = STAGE_ROWS[stage];
  if (input === null) return err(`a ${stage} works on nothing`);
  const { done } = state.stages[input.stage];
  if (done === null) return err(`its ${input.word} is not there yet`);
  if (done.purged === true) return err(`its ${input.word} was purged with its feed`);
  if (done.audio !== undefined) return err(`its ${input.word} was taken away (keepAudio)`);
  const folder = acceptedFolder(feed, episode, input.stage, done.run, done.token);
  const read = await readManifest(library, folder);
  if (!read.ok) return err(`its accepted ${input.stage} cannot be read: ${read.error}`);
  const file = read.value.manifest.files.find(({ name }) => name.startsWith(input.file));
  if (file === undefined) return err(`its accepted ${input.stage} has no ${input.word}`);
  const { name, sizeBytes, sha256 } = file;
  const publisher = keptPublisher(folder, read.value.manifest);
  return ok({ path: `${folder}/${name}`, sizeBytes, sha256, publisher });
}
