/** Items sorted, or merged, between two rests: a few milliseconds. */
const SLICE = 2_000;

/**
 * The items in the order of their keys, equal ones as they came. A generator, so that who runs it can let others run between its
 * slices: the one sort of 200,000 paths takes a fifth of a second.
 */
export function* sortedSteps<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
): Generator<void, readonly T[]> {
  const compare = (a: T, b: T) => {
    const [one, other] = [keyOf(a), keyOf(b)];
    return one < other ? -1 : Number(one > other);
  };
  let runs: T[][] = [];
  for (let at = 0; at < items.length; at += SLICE) {
    runs.push(items.slice(at, at + SLICE).sort(compare));
    yield;
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let n = 0; n < runs.length; n += 2)
      merged.push(yield* mergeSteps(runs[n] ?? [], runs[n + 1] ?? [], compare));
    runs = merged;
  }
  return runs[0] ?? [];
}

function* mergeSteps<T>(
  a: readonly T[],
  b: readonly T[],
  compare: (a: T, b: T) => number,
): Generator<void, T[]> {
  const merged: T[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [one, other] = [a[i], b[j]];
    const isOther = one === undefined || (other !== undefined && compare(other, one) < 0);
    const next = isOther ? other : one;
    if (isOther) j += 1;
    else i += 1;
    if (next !== undefined) merged.push(next);
    if (merged.length % SLICE === 0) yield;
  }
  return merged;
}
