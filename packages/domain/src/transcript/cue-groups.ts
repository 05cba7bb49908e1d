import type { CueLimits } from './cue.ts';
import type { CueUnit } from './cue-unit.ts';
import { endsClause, endsSentence } from './sentence-end.ts';

/**
 * What a cue costs beyond being one (1). They were set by looking at cues of real speech, and matter only beside each
 * other: a flash is the worst, then text that cannot be read in time, then a cue that ends in the middle of a thought.
 */
const COST = {
  flash: 5,
  flashSecond: 10,
  unreadSecond: 1.5,
  endInside: 2.5,
  endAtBreath: 1.2,
  endAtClause: 1,
  sentenceInside: 2.6,
  orphan: 1,
} as const;
const BREATH_MS = 300;
/** A cue with less text looks like one that was left over. */
const ORPHAN_COLUMNS = 24;
/** Of invisible ones there may be any number; others fill two lines before. */
const GROUP_UNITS_MAX = 64;

/** Sums over the units before each place, so that any group's are a difference. */
interface Sums {
  readonly columns: readonly number[];
  readonly sentences: readonly number[];
}

/** The units in groups, each a cue: the cheapest way to cut them of all. Time grows with their number alone. */
export function cueGroups(units: readonly CueUnit[], limits: CueLimits): CueUnit[][] {
  const sums = sumsOf(units);
  const costs: number[] = [0];
  const begins: number[] = [0];
  for (let end = 1; end <= units.length; end++) {
    const { begin, cost } = cheapest(units, sums, costs, end, limits);
    begins[end] = begin;
    costs[end] = cost;
  }
  const groups: CueUnit[][] = [];
  for (let end = units.length; end > 0; end = begins[end] ?? 0)
    groups.push(units.slice(begins[end] ?? 0, end));
  return groups.reverse();
}

/** Where the last cue of the best way to cut the units before `end` begins; `costs`: of the best ways until then. */
function cheapest(
  units: readonly CueUnit[],
  sums: Sums,
  costs: readonly number[],
  end: number,
  limits: CueLimits,
): { readonly begin: number; readonly cost: number } {
  let best = { begin: end - 1, cost: Number.POSITIVE_INFINITY };
  for (let begin = end - 1; begin >= Math.max(0, end - GROUP_UNITS_MAX); begin--) {
    if (begin < end - 1 && !isOneCue(units, sums, begin, end, limits)) break;
    const cost = (costs[begin] ?? 0) + costOf(units, sums, begin, end, limits);
    if (cost < best.cost) best = { begin, cost };
  }
  return best;
}

/** The place where the second line begins: both as long as each other as can be, sooner after a comma. 0: one line; null: no place. */
export function lineBreak(units: readonly CueUnit[], columnsMax: number): number | null {
  const sums = sumsOf(units);
  if (width(units, sums, 0, units.length) <= columnsMax) return 0;
  let best: { at: number; cost: number } | null = null;
  for (let at = 1; at < units.length; at++) {
    const longest = Math.max(width(units, sums, 0, at), width(units, sums, at, units.length));
    if (longest > columnsMax) continue;
    const cost = longest - (endsClause(units[at - 1]?.text ?? '') ? CLAUSE_COLUMNS : 0);
    if (best === null || cost < best.cost) best = { at, cost };
  }
  return best?.at ?? null;
}

/** A line may be so much longer to end with a comma. */
const CLAUSE_COLUMNS = 6;

function sumsOf(units: readonly CueUnit[]): Sums {
  const columns = [0];
  const sentences = [0];
  for (const [i, unit] of units.entries()) {
    columns.push((columns[i] ?? 0) + unit.columns + (unit.isSpaced ? 1 : 0));
    sentences.push((sentences[i] ?? 0) + (endsSentence(unit.text) ? 1 : 0));
  }
  return { columns, sentences };
}

function width(units: readonly CueUnit[], { columns }: Sums, begin: number, end: number): number {
  const spaceBefore = units[begin]?.isSpaced === true ? 1 : 0;
  return (columns[end] ?? 0) - (columns[begin] ?? 0) - spaceBefore;
}

function isOneCue(
  units: readonly CueUnit[],
  sums: Sums,
  begin: number,
  end: number,
  { lineLengthMax, cueMsMax, pauseMs }: CueLimits,
): boolean {
  const first = units[begin];
  const second = units[begin + 1];
  const last = units[end - 1];
  if (first === undefined || second === undefined || last === undefined) return true;
  if (second.startMs - first.endMs >= pauseMs) return false;
  if (last.endMs - first.startMs > cueMsMax) return false;
  let at = begin + 1;
  while (at < end && width(units, sums, begin, at + 1) <= lineLengthMax) at += 1;
  const isFirstFitting = width(units, sums, begin, at) <= lineLengthMax;
  return isFirstFitting && (at === end || width(units, sums, at, end) <= lineLengthMax);
}

function costOf(
  units: readonly CueUnit[],
  sums: Sums,
  begin: number,
  end: number,
  limits: CueLimits,
): number {
  const columns = width(units, sums, begin, end);
  const startMs = units[begin]?.startMs ?? 0;
  const nextMs = units[end]?.startMs ?? Number.POSITIVE_INFINITY;
  const roomMs = Math.min(limits.cueMsMax, nextMs - startMs);
  const shortMs = Math.max(0, limits.cueMsMin - roomMs);
  const unreadMs = Math.max(0, (columns / limits.columnsPerSecond) * 1_000 - roomMs);
  const sentences = (sums.sentences[end - 1] ?? 0) - (sums.sentences[begin] ?? 0);
  return (
    1 +
    (shortMs > 0 ? COST.flash : 0) +
    (shortMs / 1_000) * COST.flashSecond +
    (unreadMs / 1_000) * COST.unreadSecond +
    sentences * COST.sentenceInside +
    endCost(units, end, limits) +
    COST.orphan * Math.max(0, 1 - columns / ORPHAN_COLUMNS)
  );
}

function endCost(units: readonly CueUnit[], end: number, { pauseMs }: CueLimits): number {
  const last = units[end - 1];
  const next = units[end];
  if (last === undefined || next === undefined) return 0;
  const silenceMs = next.startMs - last.endMs;
  if (silenceMs >= pauseMs || endsSentence(last.text)) return 0;
  if (endsClause(last.text)) return COST.endAtClause;
  return silenceMs >= BREATH_MS ? COST.endAtBreath : COST.endInside;
}
