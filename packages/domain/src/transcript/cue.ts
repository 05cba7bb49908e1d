import { cueGroups, lineBreak } from './cue-groups.ts';
import { type CueUnit, cueUnits } from './cue-unit.ts';
import { joinWords, spokenWords } from './spoken-word.ts';
import type { Transcript } from './transcript.ts';

/** What is on the screen at one time. */
export interface Cue {
  readonly startMs: number;
  /** After `startMs`, and never after the next cue's. */
  readonly endMs: number;
  /** One or two, in the order read. */
  readonly lines: readonly string[];
}

export interface CueLimits {
  /** In Latin letters (text-width.ts). */
  readonly lineLengthMax: number;
  /** A cue that ends sooner stays until then if nothing follows. */
  readonly cueMsMin: number;
  readonly cueMsMax: number;
  /** A silence that ends a cue. */
  readonly pauseMs: number;
  /** How fast a person reads; a cue stays so long if nothing follows. Speech is not slowed down for it. */
  readonly columnsPerSecond: number;
}

/**
 * What the style guides of broadcasters and streaming services agree on: two lines of 42 letters (Netflix; the BBC's are 37
 * at least), one to seven seconds, 20 letters a second at most for adults (Netflix; the BBC's 160 to 180 words a minute are 15
 * to 17).
 */
export const CUE_LIMITS: CueLimits = {
  lineLengthMax: 42,
  cueMsMin: 1000,
  cueMsMax: 7000,
  pauseMs: 1500,
  columnsPerSecond: 20,
};

/** So much sooner, or later, than it is spoken a cue may begin when one would else be gone before it is seen. */
const BORROWED_MS_MAX = 500;

/** Cues in order, not overlapping, with every word once. A word longer than a line stands alone in one. */
export function cuesOf(transcript: Transcript, limits: CueLimits = CUE_LIMITS): Cue[] {
  const { lineLengthMax, pauseMs } = limits;
  const groups = cueGroups(cueUnits(spokenWords(transcript), lineLengthMax, pauseMs), limits);
  const cues: Cue[] = [];
  let previousEndMs = 0;
  for (const [i, units] of groups.entries()) {
    const nextMs = startOf(groups[i + 1]);
    const nextRoomMs = Number.isFinite(nextMs) ? startOf(groups[i + 2]) - nextMs : 0;
    const { startMs, endMs } = timesOf(units, previousEndMs, nextMs, nextRoomMs, limits);
    cues.push({ startMs, endMs, lines: linesOf(units, lineLengthMax) });
    previousEndMs = endMs;
  }
  return cues;
}

/** Infinity behind the last one. */
function startOf(units: readonly CueUnit[] | undefined): number {
  return units?.[0]?.startMs ?? Number.POSITIVE_INFINITY;
}

/** @param nextRoomMs how long the next cue could stay. */
function timesOf(
  units: readonly CueUnit[],
  previousEndMs: number,
  nextMs: number,
  nextRoomMs: number,
  { cueMsMin, cueMsMax, columnsPerSecond }: CueLimits,
): { readonly startMs: number; readonly endMs: number } {
  const spokenMs = startOf(units);
  const missingMs = Math.max(0, cueMsMin - (nextMs - Math.max(previousEndMs, spokenMs)));
  const earlierMs = Math.min(missingMs, BORROWED_MS_MAX);
  const startMs = Math.max(previousEndMs, spokenMs - earlierMs);
  const stillMissingMs = Math.max(0, cueMsMin - (nextMs - startMs));
  const laterMs = Math.max(0, Math.min(stillMissingMs, BORROWED_MS_MAX, nextRoomMs - cueMsMin));
  const columns = units.reduce((sum, unit) => sum + unit.columns + (unit.isSpaced ? 1 : 0), 0);
  const readMs = Math.round((columns / columnsPerSecond) * 1_000);
  const wishedMs = Math.max(cueMsMin, readMs, (units.at(-1)?.endMs ?? 0) - startMs);
  const endMs = Math.min(startMs + Math.min(wishedMs, cueMsMax), nextMs + laterMs);
  return { startMs, endMs: Math.max(startMs + 1, endMs) };
}

function linesOf(units: readonly CueUnit[], columnsMax: number): string[] {
  const at = lineBreak(units, columnsMax) ?? 0;
  const lines = at === 0 ? [units] : [units.slice(0, at), units.slice(at)];
  return lines.map(joinWords);
}
