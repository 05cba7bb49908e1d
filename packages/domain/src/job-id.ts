import type { EpisodeId } from './ids.ts';
import { err, ok, type Result } from './result.ts';
import { STAGES, type Stage } from './stage.ts';

/** A job as people name it: `<episode>.<stage>.<run>`. It never changes, whoever does it, and however often it is tried. */
export function jobIdOf(episode: EpisodeId, stage: Stage, run: number): string {
  return `${episode}.${stage}.${run}`;
}

/** What somebody gave for a job's id: the end of it may be left out, and of the episode's id all but 4 characters. */
export interface GivenJobId {
  readonly episodePrefix: string;
  readonly stage: Stage | null;
  readonly run: number | null;
}

const pattern = /^([a-z2-7]{4,26})(?:\.([a-z]+)(?:\.([1-9]\d{0,8}))?)?$/;

export function parseJobId(text: string): Result<GivenJobId, string> {
  const [, episodePrefix, word, run] = pattern.exec(text.trim().toLowerCase()) ?? [];
  const stage = STAGES.find((name) => name === word) ?? null;
  if (episodePrefix === undefined || (word !== undefined && stage === null))
    return err('job_id is no id of a job: <episode>.<stage>.<run>, such as k7qmabcd.transcribe.1');
  return ok({ episodePrefix, stage, run: run === undefined ? null : Number(run) });
}
