import { keptRun } from '@podctl/domain/episode-state.ts';
import { err, type Result } from '@podctl/domain/result.ts';
import {
  type GetTranscriptRequest,
  type GetTranscriptResponse,
  type TranscriptServiceServer,
  TranscriptServiceService,
} from '@podctl/proto/podctl/v1/transcript.ts';
import type { EpisodeRow } from '../core/snapshot.ts';
import { stageViews } from '../core/stage-view.ts';
import type { Picture } from '../core/view.ts';
import type { Fleet } from '../shell/fleet.ts';
import type { TranscriptSearch } from '../shell/transcript-index.ts';
import { findEpisode } from './episode-finder.ts';
import type { Handlers, Send } from './handler.ts';
import { publisherFile } from './publisher-file.ts';
import type { Failure } from './status.ts';
import { extensionOf, type FoundTranscript, findTranscript } from './transcript-file.ts';
import { searchTranscripts } from './transcript-search.ts';
import { listTranscriptVersions } from './transcript-versions.ts';

const PIECE_BYTES_MAX = 64 * 1_024;

export const transcriptServiceDefinition = TranscriptServiceService;

/** @param search null: SearchTranscripts is refused. */
export function transcriptService(
  fleet: Fleet,
  handlers: Handlers,
  search: TranscriptSearch | null,
): TranscriptServiceServer {
  return {
    searchTranscripts: handlers.unary('SearchTranscripts', (request, signal) =>
      searchTranscripts(fleet, search, request, signal),
    ),
    listTranscriptVersions: handlers.unary('ListTranscriptVersions', (request) =>
      listTranscriptVersions(fleet, request),
    ),
    getTranscript: handlers.streaming('GetTranscript', (request, send, signal) =>
      getTranscript(fleet, request, send, signal),
    ),
  };
}

async function getTranscript(
  fleet: Fleet,
  request: GetTranscriptRequest,
  send: Send<GetTranscriptResponse>,
  signal: AbortSignal,
): Promise<Failure | null> {
  const found = await (request.publisher ? publisherFile : transcriptOf)(fleet, request);
  if (!found.ok) return found.error;
  if (found.value.kind === 'made') {
    for (const data of pieces(Buffer.from(found.value.text))) await send({ data }, signal);
    return null;
  }
  const source = await fleet.library.read(found.value.path);
  // Also frees the file while it waits for a slow reader's next piece.
  const close = () => source.destroy();
  signal.addEventListener('abort', close, { once: true });
  try {
    for await (const chunk of source)
      for (const data of pieces(Buffer.from(chunk))) await send({ data }, signal);
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
  return null;
}

async function transcriptOf(
  fleet: Fleet,
  { episodeId, format, run }: GetTranscriptRequest,
): Promise<Result<FoundTranscript, Failure>> {
  const extension = extensionOf(format);
  if (extension === null)
    return err({ kind: 'invalid', message: `format ${format} is none of txt, srt, vtt, json, md` });
  const picture = fleet.picture();
  const found = findEpisode(picture.snapshot, episodeId);
  if (!found.ok) return found;
  const row = found.value;
  if (keptRun(row.state.stages.transcribe) === null)
    return err({ kind: 'not_found', message: whyNoTranscript(picture, row) });
  return await findTranscript(fleet, row, run, extension);
}

/** One sentence: how far the episode is, for someone who wants its text. */
function whyNoTranscript(picture: Picture, row: EpisodeRow): string {
  const [download, transcribe] = stageViews(picture, row);
  const isPurged = row.state.stages.transcribe.done?.purged === true;
  if (isPurged && picture.snapshot.feeds.get(row.feed)?.record?.removed === true)
    return `episode ${row.episode} has no transcript any more: its feed ${row.feed} was removed and purged; add the feed again to have it transcribed anew`;
  const no = `episode ${row.episode} has no transcript ${isPurged ? 'since its feed was purged' : 'yet'}`;
  if (transcribe === undefined || download === undefined) return no;
  switch (transcribe.word) {
    case 'dead':
    case 'skipped':
    case 'canceled':
      return `episode ${row.episode} has no transcript, as its transcription was given up: ${transcribe.reason}`;
    case 'running':
      return `${no}: an agent transcribes it now and is at ${Math.floor(transcribe.progress * 100)} %`;
    case 'publishing':
    case 'done':
      return `${no}: it is being published, ask again in a few seconds`;
    case 'not_wanted':
      return `episode ${row.episode} has no transcript: none was asked for`;
    case 'waiting':
      break;
  }
  if (keptRun(download.state) !== null) return `${no}: it is downloaded and waits for an agent`;
  if (download.state.lock.state === 'dead')
    return `episode ${row.episode} has no transcript, as its download was given up: ${download.reason}`;
  if (download.word === 'running') return `${no}: its audio is being downloaded`;
  return `${no}: its audio is not downloaded yet`;
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES_MAX)
    yield bytes.subarray(at, at + PIECE_BYTES_MAX);
}
