import { keptRun } from '@podctl/domain/episode-state.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { publisherFormOf } from '@podctl/domain/transcript/publisher-form.ts';
import type { GetTranscriptRequest } from '@podctl/proto/podctl/v1/transcript.ts';
import type { Fleet } from '../shell/fleet.ts';
import { findEpisode } from './episode-finder.ts';
import type { Failure } from './status.ts';
import type { FoundTranscript } from './transcript-file.ts';

/** Where the publisher's transcript of an episode is in the library. */
export async function publisherFile(
  fleet: Fleet,
  { episodeId }: Pick<GetTranscriptRequest, 'episodeId'>,
): Promise<Result<FoundTranscript, Failure>> {
  const found = findEpisode(fleet.picture().snapshot, episodeId);
  if (!found.ok) return found;
  const { feed, episode, state } = found.value;
  if (keptRun(state.stages.download) === null)
    return err({
      kind: 'not_found',
      message: `no transcript of the publisher’s is kept of ${episode}: it is not downloaded`,
    });
  const files = await fleet.acceptedFiles(feed, episode, 'download');
  const file = files.find(({ path }) => publisherFormOf(path.split('/').at(-1) ?? '') !== null);
  if (file !== undefined) return ok({ kind: 'file', path: file.path });
  return err({
    kind: 'not_found',
    message: `no transcript of the publisher’s is kept of ${episode}: its feed offered none when it was downloaded, or none could be fetched`,
    hint: `"podctl episode show ${episode}" lists what is offered, and "podctl episode retry ${episode} --stage download" fetches it with the audio`,
  });
}
