import { type EpisodeState, keptRun } from '@podctl/domain/episode-state.ts';

/**
 * How many transcripts of a feed have which quality, kept by the fold: mean, worst and "below" of a million episodes are read
 * off it, and it stays exact when a transcript is made anew.
 */
export interface QualityCounts {
  /** By quality in hundredths, 0 to 100; null until one is known: most feeds of a new fleet have none. */
  byHundredth: Uint32Array | null;
}

export interface QualityFigures {
  readonly episodes: number;
  readonly mean: number;
  readonly worst: number;
  /** Those below what was asked for. */
  readonly poor: number;
}

export function noQualities(): QualityCounts {
  return { byHundredth: null };
}

/** The quality of an episode's newest transcript; null where none is known. */
export function qualityIn({ stages }: EpisodeState): number | null {
  return keptRun(stages.transcribe)?.manifest.quality ?? null;
}

/** Adds (`times` 1) or takes away (−1) what one episode counts. */
export function addQuality(counts: QualityCounts, state: EpisodeState, times: 1 | -1): void {
  const quality = qualityIn(state);
  if (quality !== null) countQuality(counts, quality, times);
}

export function countQuality(counts: QualityCounts, quality: number, times: 1 | -1): void {
  counts.byHundredth ??= new Uint32Array(101);
  const at = Math.round(quality * 100);
  counts.byHundredth[at] = (counts.byHundredth[at] ?? 0) + times;
}

/** Null where nothing is counted. */
export function qualityFigures(
  { byHundredth }: QualityCounts,
  below: number,
): QualityFigures | null {
  let [episodes, sum, poor] = [0, 0, 0];
  let worst: number | null = null;
  for (const [hundredth, count] of (byHundredth ?? []).entries()) {
    if (count === 0) continue;
    worst ??= hundredth;
    episodes += count;
    sum += count * hundredth;
    if (hundredth / 100 < below) poor += count;
  }
  return worst === null ? null : { episodes, mean: sum / episodes / 100, worst: worst / 100, poor };
}
