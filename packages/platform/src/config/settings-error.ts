import { withoutSecrets } from '../redaction.ts';

/** What is wrong with a settings file, in one sentence for people: key, value seen, what was expected. */
export class SettingsError extends Error {
  constructor(sentence: string, cause?: unknown) {
    super(withoutSecrets(sentence), { cause });
    this.name = 'SettingsError';
  }
}

/** A value as the file has it, cut to what fits a sentence. */
export function shown(value: unknown): string {
  const text = value === undefined ? 'missing' : (JSON.stringify(value, plain) ?? String(value));
  return text.length <= 80 ? text : `${text.slice(0, 77)}…`;
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** The name among `known` that was most likely meant; null when none is near. */
export function nearest(name: string, known: readonly string[]): string | null {
  const ranked = known
    .map((candidate) => ({
      candidate,
      steps: distance(name.toLowerCase(), candidate.toLowerCase()),
    }))
    .sort((a, b) => a.steps - b.steps);
  const best = ranked[0];
  return best !== undefined && best.steps <= Math.max(2, name.length / 3) ? best.candidate : null;
}

/** Levenshtein's distance. Names are short: what is longer than 64 is cut. */
function distance(one: string, other: string): number {
  const a = one.slice(0, 64);
  const b = other.slice(0, 64);
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
