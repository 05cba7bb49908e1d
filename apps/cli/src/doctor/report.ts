import { tableLines } from '../render/table.ts';
import type { Check, Outcome } from './core/check.ts';

/** What `doctor --json` prints. */
export interface DoctorView {
  readonly apiVersion: string;
  /** No check failed. */
  readonly healthy: boolean;
  readonly checks: readonly Check[];
  /** Null unless one was asked for. */
  readonly bundle: string | null;
}

const WORDS: { readonly [outcome in Outcome]: string } = {
  ok: 'ok',
  warn: 'WARN',
  fail: 'FAIL',
  skipped: 'skipped',
};

/** A line a check, and below those that are not well what to do. */
export function reportLines(checks: readonly Check[], onlyTrouble: boolean): readonly string[] {
  const isTrouble = ({ outcome }: Check) => outcome === 'fail' || outcome === 'warn';
  const shown = onlyTrouble ? checks.filter(isTrouble) : checks;
  if (shown.length === 0) return [];
  const columns = [
    { head: 'CHECK', cell: ({ id }: Check) => id },
    { head: 'RESULT', cell: ({ outcome }: Check) => WORDS[outcome] },
    { head: 'SEEN', cell: (check: Check) => check.seen },
  ];
  const [head = '', ...rows] = tableLines(columns, shown, { heads: true, wide: true });
  const lines = rows.flatMap((row, i) => {
    const fix = shown[i]?.fix ?? null;
    return fix === null ? [row] : [row, `    fix: ${fix}`];
  });
  return [head, ...lines];
}

/** The last line, for people. */
export function verdictOf(checks: readonly Check[]): string {
  const count = (wanted: Outcome) => checks.filter(({ outcome }) => outcome === wanted).length;
  const parts = [`${count('ok')} ok`];
  if (count('warn') > 0) parts.push(`${count('warn')} with a warning`);
  if (count('fail') > 0) parts.push(`${count('fail')} failed`);
  if (count('skipped') > 0) parts.push(`${count('skipped')} skipped`);
  return parts.join(', ');
}

export function isHealthy(checks: readonly Check[]): boolean {
  return checks.every(({ outcome }) => outcome !== 'fail');
}
