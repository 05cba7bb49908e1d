import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { readWholeTranscript } from '@podctl/domain/transcript/json-reader.ts';
import { renderMarkdown } from '@podctl/domain/transcript/markdown.ts';
import { renderSrt } from '@podctl/domain/transcript/srt.ts';
import type { Transcript } from '@podctl/domain/transcript/transcript.ts';
import { renderTxt } from '@podctl/domain/transcript/txt.ts';
import { renderVtt } from '@podctl/domain/transcript/vtt.ts';
import { TranscriptFormat } from '@podctl/proto/podctl/v1/transcript.ts';
import type { EpisodeRow } from '../core/snapshot.ts';
import { acceptedRuns } from '../shell/accepted-runs.ts';
import type { Fleet } from '../shell/fleet.ts';
import { headingOf } from '../shell/work.ts';
import type { Failure } from './status.ts';

export type TranscriptExtension = 'txt' | 'srt' | 'vtt' | 'json' | 'md';

const extensions: { readonly [format: number]: TranscriptExtension } = {
  [TranscriptFormat.UNSPECIFIED]: 'txt',
  [TranscriptFormat.TXT]: 'txt',
  [TranscriptFormat.SRT]: 'srt',
  [TranscriptFormat.VTT]: 'vtt',
  [TranscriptFormat.JSON]: 'json',
  [TranscriptFormat.MD]: 'md',
};

/** What is read into memory to make another form of it: fifteen hours of speech. */
const JSON_BYTES_MAX = 16 * 1_024 * 1_024;

/** Null for a format that is none. */
export function extensionOf(format: TranscriptFormat): TranscriptExtension | null {
  return extensions[format] ?? null;
}

/** A transcript in one form: a file of the library, or made of its JSON where it was not kept so. */
export type FoundTranscript =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'made'; readonly text: string };

/** @param run 0: the one that is current. */
export async function findTranscript(
  fleet: Fleet,
  { feed, episode, state }: EpisodeRow,
  run: number,
  extension: TranscriptExtension,
): Promise<Result<FoundTranscript, Failure>> {
  // After a restore a number may have come twice: then the current one is meant.
  const isCurrent = run === 0 || state.stages.transcribe.done?.run === run;
  const paths = isCurrent
    ? await currentPaths(fleet, feed, episode)
    : await pathsOf(fleet, feed, episode, run);
  if (paths === null)
    return err({
      kind: 'not_found',
      message: `the library has no transcript of run ${run} of ${episode}`,
      hint: '"podctl transcript versions" shows which runs there are',
    });
  const pathOf = (ending: string) => paths.find((path) => path.endsWith(`/transcript.${ending}`));
  const path = pathOf(extension);
  if (path !== undefined) return ok({ kind: 'file', path });
  const json = pathOf('json');
  const text = json === undefined ? null : await made(fleet, { feed, episode }, json, extension);
  if (text !== null) return ok({ kind: 'made', text });
  return err({
    kind: 'not_found',
    message: `the transcript of ${episode} was not kept as ${extension}: ask for another format`,
  });
}

async function currentPaths(fleet: Fleet, feed: FeedId, episode: EpisodeId): Promise<string[]> {
  const files = await fleet.acceptedFiles(feed, episode, 'transcribe');
  return files.map(({ path }) => path);
}

async function pathsOf(
  fleet: Fleet,
  feed: FeedId,
  episode: EpisodeId,
  run: number,
): Promise<string[] | null> {
  const runs = await acceptedRuns(fleet.library, feed, episode, 'transcribe');
  const found = runs.find((one) => one.run === run);
  return found?.manifest.files.map(({ name }) => `${found.folder}/${name}`) ?? null;
}

/** Null when the JSON cannot be read as one. */
async function made(
  fleet: Fleet,
  { feed, episode }: Pick<EpisodeRow, 'feed' | 'episode'>,
  path: string,
  extension: TranscriptExtension,
): Promise<string | null> {
  const bytes = await fleet.library.readSmall(path, JSON_BYTES_MAX);
  const read = readWholeTranscript(new TextDecoder().decode(bytes));
  if (!read.ok || hasNoTimes(read.value, extension)) return null;
  switch (extension) {
    case 'txt':
      return renderTxt(read.value);
    case 'srt':
      return renderSrt(read.value);
    case 'vtt':
      return renderVtt(read.value);
    case 'json':
      return null;
    case 'md': {
      const meta = await fleet.meta(feed, episode);
      return renderMarkdown(read.value, meta === null ? null : headingOf(meta));
    }
  }
}

/** Of a text that was adopted without times there are no subtitles: they would be where nobody says it. */
function hasNoTimes({ provenance }: Transcript, extension: TranscriptExtension): boolean {
  return provenance.parameters.timed === false && (extension === 'srt' || extension === 'vtt');
}
