import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { episodeId } from '@podctl/domain/ids.ts';
import { PODCASTS_ROOT, viewPath } from '@podctl/domain/library-path.ts';
import type { CoordinatorClient } from '../client.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { errorCode, whySeen } from '../file-error.ts';
import { type EpisodeView, episodeView, type StageView } from '../views/episode-map.ts';
import { type FormatWord, transcriptFormat } from '../views/transcript-map.ts';
import { type ExportContent, exportFile, isExported, OtherContent } from './export-file.ts';

export interface ExportWish {
  /** Empty: all. */
  readonly feed: string;
  /** Only what was published since; what has no date is taken too. */
  readonly since: Date | undefined;
  readonly format: FormatWord;
  readonly folder: string;
  readonly dryRun: boolean;
}

export type ExportedEpisode =
  | { readonly kind: 'written' | 'kept'; readonly episodeId: string; readonly path: string }
  | { readonly kind: 'failed'; readonly episodeId: string; readonly reason: string }
  /** Published before, or not transcribed any more. */
  | { readonly kind: 'passed'; readonly episodeId: string };

const PAGE_SIZE = 1_000;
const PAGES_MAX = 10_000;

/** Titles of the feeds by their ids. */
async function feedTitles(client: CoordinatorClient): Promise<ReadonlyMap<string, string>> {
  const titles = new Map<string, string>();
  let pageToken = '';
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await client.listFeeds({ pageSize: PAGE_SIZE, pageToken });
    for (const { feedId, title } of page.feeds) titles.set(feedId, title);
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  return titles;
}

/** Ids of the transcribed episodes, in the order of feed and id. */
export async function transcribedIds(client: CoordinatorClient, feed: string): Promise<string[]> {
  const ids: string[] = [];
  let pageToken = '';
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await client.listEpisodes(feed, { pageSize: PAGE_SIZE, pageToken });
    for (const episode of page.episodes.map(episodeView))
      if (isTranscribed(transcription(episode))) ids.push(episode.episodeId);
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  return ids;
}

/** Also where another run is wanted, runs or was given up: what was accepted before stands. Older coordinators do not tell. */
function isTranscribed(stage: StageView | undefined): boolean {
  return stage !== undefined && (stage.state === 'done' || stage.doneRun !== null);
}

/** Exports one at a time. What fails of one episode alone is told and the next one comes; else it rejects. */
export async function* exportEpisodes(
  client: CoordinatorClient,
  ids: readonly string[],
  wish: ExportWish,
): AsyncGenerator<ExportedEpisode> {
  const titles = await feedTitles(client);
  for (const id of ids) yield await exportEpisode(client, id, titles, wish);
}

async function exportEpisode(
  client: CoordinatorClient,
  id: string,
  titles: ReadonlyMap<string, string>,
  wish: ExportWish,
): Promise<ExportedEpisode> {
  try {
    const episode = episodeView(await client.getEpisode(id));
    const { since, format, dryRun } = wish;
    if (
      since !== undefined &&
      episode.publishedAt !== null &&
      new Date(episode.publishedAt) < since
    )
      return { kind: 'passed', episodeId: id };
    const feedTitle = titles.get(episode.feedId) ?? episode.feedId;
    const pieces = () => client.transcript(id, transcriptFormat(format));
    const text = await textOf(episode, format, pieces);
    if (text === null) return { kind: 'passed', episodeId: id };
    const path = join(wish.folder, nameOf(episode, feedTitle, format));
    if (await isExported(path, text.content)) return { kind: 'kept', episodeId: id, path };
    if (!dryRun) await exportFile(path, text.content, text.pieces());
    return { kind: 'written', episodeId: id, path };
  } catch (error) {
    return { kind: 'failed', episodeId: id, reason: reasonOfOne(error) };
  }
}

interface ExportText {
  readonly content: ExportContent;
  readonly pieces: () => AsyncIterable<Uint8Array>;
}

/** Null when the transcript is not kept in this form. Markdown that was not kept is made by the coordinator: it is read first. */
async function textOf(
  episode: EpisodeView,
  format: FormatWord,
  pieces: () => AsyncIterable<Uint8Array>,
): Promise<ExportText | null> {
  const files = transcription(episode)?.files ?? [];
  const fileOf = (ending: string) =>
    files.find(({ path }) => path.endsWith(`/transcript.${ending}`));
  const file = fileOf(format);
  if (file !== undefined) return { content: file, pieces };
  if (format !== 'md' || fileOf('json') === undefined) return null;
  const parts: Uint8Array[] = [];
  for await (const part of pieces()) parts.push(part);
  const bytes = Buffer.concat(parts);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const content = { sizeBytes: bytes.length, sha256 };
  return { content, pieces: () => Readable.from([bytes]) };
}

/** As in the library's readable names: `<Feed title>/<day> - <title> [<8 of the id>].<format>`, whatever the titles say. */
function nameOf(episode: EpisodeView, feedTitle: string, extension: string): string {
  const id = episodeId(episode.episodeId);
  if (!id.ok) throw new OtherContent(`the coordinator gave an episode id that is none`);
  const path = viewPath({
    feedTitle,
    episodeTitle: episode.title,
    publishedMs: episode.publishedAt === null ? null : Date.parse(episode.publishedAt),
    episodeId: id.value,
    extension,
  });
  return path.slice(PODCASTS_ROOT.length + 1);
}

function transcription({ stages }: EpisodeView) {
  return stages.find(({ stage }) => stage === 'transcribe');
}

/** Throws what would fail for every other episode too. */
function reasonOfOne(error: unknown): string {
  if (error instanceof OtherContent) return error.message;
  if (error instanceof CommandError && error.exitCode === EXIT.notFound) return error.message;
  if (error instanceof CommandError || errorCode(error) === null) throw error;
  const why = whySeen(error) ?? String(error);
  throw new CommandError(EXIT.failed, `the transcripts cannot be written: ${why}`, error);
}
