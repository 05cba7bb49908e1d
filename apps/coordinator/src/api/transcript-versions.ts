import { keptRun } from '@podctl/domain/episode-state.ts';
import type { ManifestDetail } from '@podctl/domain/manifest.ts';
import { ok, type Result } from '@podctl/domain/result.ts';
import type {
  ListTranscriptVersionsRequest,
  ListTranscriptVersionsResponse,
  TranscriptVersion,
} from '@podctl/proto/podctl/v1/transcript.ts';
import { type AcceptedRun, acceptedRuns } from '../shell/accepted-runs.ts';
import type { Fleet } from '../shell/fleet.ts';
import { findEpisode } from './episode-finder.ts';
import type { Failure } from './status.ts';
import { dateOf } from './time-map.ts';

export async function listTranscriptVersions(
  fleet: Fleet,
  { episodeId }: ListTranscriptVersionsRequest,
): Promise<Result<ListTranscriptVersionsResponse, Failure>> {
  const found = findEpisode(fleet.picture().snapshot, episodeId);
  if (!found.ok) return found;
  const { feed, episode, state } = found.value;
  // Of a purged one what is left is on its way out.
  const done = keptRun(state.stages.transcribe);
  if (done === null) return ok({ versions: [], episodeId: episode });
  const runs = await acceptedRuns(fleet.library, feed, episode, 'transcribe');
  const versions = runs.map((run) =>
    versionMessage(run, done.run === run.run && done.token === run.token),
  );
  return ok({ versions, episodeId: episode });
}

function versionMessage(
  { run, token, folder, writtenMs, manifest }: AcceptedRun,
  current: boolean,
): TranscriptVersion {
  const { details, files } = manifest;
  return {
    run,
    token: BigInt(token),
    current,
    finishedAt: dateOf(numberOr(details.finishedAtMs, writtenMs)),
    agentId: manifest.agent,
    engine: textOf(details.engine),
    model: textOf(details.model),
    modelRevision: textOf(details.modelRevision),
    language: textOf(details.language),
    segments: Math.max(0, Math.floor(numberOr(details.segments, 0))),
    quality: typeof details.quality === 'number' ? details.quality : undefined,
    audioSeconds: manifest.audioSeconds ?? 0,
    files: files.map(({ name, sizeBytes, sha256 }) => ({
      path: `${folder}/${name}`,
      sizeBytes: BigInt(sizeBytes),
      sha256,
    })),
  };
}

function textOf(detail: ManifestDetail | undefined): string {
  return typeof detail === 'string' ? detail : '';
}

function numberOr(detail: ManifestDetail | undefined, otherwise: number): number {
  return typeof detail === 'number' ? detail : otherwise;
}
