import { distance } from 'fastest-levenshtein';

/** Names looked at: who mistypes a name waits for no hundred thousand comparisons. */
const NAMES_MAX = 20_000;
const LENGTH_MAX = 64;
const DISTANCE_MAX = 3;

/**
 * The name that was probably meant; null when none is near. A name that begins with what was given is the nearest; one
 * that holds it, hyphens aside, is as near as one with a wrong letter. A third of the letters may be wrong, three at most.
 */
export function nearestName(given: string, names: Iterable<string>): string | null {
  if (given.length > LENGTH_MAX) return null;
  let nearest: string | null = null;
  let least = Math.min(DISTANCE_MAX, Math.floor(given.length / 3)) + 1;
  let looked = 0;
  for (const name of names) {
    looked += 1;
    if (looked > NAMES_MAX) break;
    const far = farFrom(given, name);
    if (far >= least) continue;
    nearest = name;
    least = far;
  }
  return nearest;
}

function farFrom(given: string, name: string): number {
  if (given.length >= 3 && name.startsWith(given)) return 0;
  const holds = bare(given).length >= 4 && bare(name).includes(bare(given));
  return holds ? 1 : distance(given, name);
}

function bare(name: string): string {
  return name.replaceAll('-', '');
}
