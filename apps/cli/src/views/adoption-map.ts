import type { AdoptedFile, AdoptSummary, LeftFile } from '@podctl/proto/podctl/v1/library.ts';
import { type StageWord, stageWord } from './episode-map.ts';

/** Files that were taken in, as `--json` prints them. */
export interface AdoptedView {
  readonly path: string;
  readonly feedId: string;
  readonly episodeId: string;
  readonly matchedBy: string;
  readonly stages: readonly (StageWord | null)[];
}

export interface LeftView {
  readonly path: string;
  readonly reason: string;
}

export interface AdoptSummaryView {
  readonly adopted: number;
  readonly downloads: number;
  readonly transcripts: number;
  readonly known: number;
  readonly left: number;
  readonly bytes: number;
}

export function adoptedView({
  path,
  feedId,
  episodeId,
  matchedBy,
  stages,
}: AdoptedFile): AdoptedView {
  return { path, feedId, episodeId, matchedBy, stages: stages.map(stageWord) };
}

export function leftView({ path, reason }: LeftFile): LeftView {
  return { path, reason };
}

export function adoptSummaryView(summary: AdoptSummary): AdoptSummaryView {
  const { adopted, downloads, transcripts, known, left, bytes } = summary;
  return {
    ...{ adopted: Number(adopted), downloads: Number(downloads), known: Number(known) },
    ...{ transcripts: Number(transcripts), left: Number(left), bytes: Number(bytes) },
  };
}
