import type { AgentId } from '@podctl/domain/ids.ts';
import type { ManifestDetail } from '@podctl/domain/manifest.ts';
import type { ResultOutcome } from '@podctl/domain/protocol.ts';
import { renderJson } from '@podctl/domain/transcript/json.ts';
import { type EpisodeHeading, renderMarkdown } from '@podctl/domain/transcript/markdown.ts';
import { renderSrt } from '@podctl/domain/transcript/srt.ts';
import type { Transcript } from '@podctl/domain/transcript/transcript.ts';
import { renderTxt } from '@podctl/domain/transcript/txt.ts';
import { renderVtt } from '@podctl/domain/transcript/vtt.ts';
import type { RawTranscript } from '../core/raw-transcript.ts';
import type { Attempt } from './attempt-store.ts';

/** What is told of a transcript beside what it holds. */
export interface AboutTranscript {
  /** Null: nothing is known of it. */
  readonly episode: EpisodeHeading | null;
  /** For the manifest. */
  readonly details: Readonly<Record<string, ManifestDetail>>;
}

/** Writes the transcript in every form into the attempt, and completes it. */
export async function writeTranscript(
  attempt: Attempt,
  agent: AgentId,
  transcript: Transcript,
  raw: Pick<RawTranscript, 'speechSeconds' | 'elapsedMs' | 'parts'>,
  { episode, details }: AboutTranscript,
): Promise<ResultOutcome> {
  await attempt.writeText('transcript.txt', renderTxt(transcript));
  await attempt.writeText('transcript.srt', renderSrt(transcript));
  await attempt.writeText('transcript.vtt', renderVtt(transcript));
  await attempt.writeText('transcript.json', renderJson(transcript));
  await attempt.writeText('transcript.md', renderMarkdown(transcript, episode));
  const { provenance, durationSeconds, language, segments } = transcript;
  return attempt.finish(agent, durationSeconds, {
    language,
    segments: segments.length,
    speechSeconds: raw.speechSeconds,
    elapsedMs: raw.elapsedMs,
    engine: `${provenance.engine} ${provenance.engineVersion}`,
    model: provenance.model,
    modelRevision: provenance.modelRevision,
    device: provenance.device,
    computeType: provenance.computeType,
    audioSha256: provenance.audioSha256,
    finishedAtMs: provenance.finishedAtMs,
    ...resumedDetails(raw.parts),
    ...details,
  });
}

/** Where the attempt went on with what others had heard, and who left it last. */
function resumedDetails(parts: RawTranscript['parts']) {
  const [own, before] = [parts?.at(-1), parts?.at(-2)];
  if (own === undefined || before === undefined) return {};
  return { resumedAtSeconds: own.fromSeconds, resumedFrom: before.agent };
}
