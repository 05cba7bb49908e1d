/** The first with the fixes that followed Jepsen's report on 2.12.1. */
export const SERVER_VERSION_MIN = '2.12.3';

/** True for a version before the floor, pre-releases of the floor included, and for text that is no version. */
export function isTooOld(version: string): boolean {
  const found = parts(version);
  const floor = parts(SERVER_VERSION_MIN);
  if (found === null || floor === null) return true;
  for (const [index, least] of floor.numbers.entries()) {
    const number = found.numbers[index] ?? 0;
    if (number !== least) return number < least;
  }
  return found.isPreRelease;
}

function parts(version: string): { numbers: number[]; isPreRelease: boolean } | null {
  const match = /^v?(\d+)\.(\d+)\.(\d+)(-.+)?$/.exec(version);
  if (match === null) return null;
  return { numbers: match.slice(1, 4).map(Number), isPreRelease: match[4] !== undefined };
}
