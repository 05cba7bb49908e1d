import type { CasOutcome } from '@podctl/platform/kv.ts';
import { ageWords } from './age.ts';

/** How the writes to one bucket go. */
export interface WriteHealth {
  /** Writes that failed or got no answer since this coordinator started. */
  readonly failed: number;
  /** Since the last good write; null when none failed since. */
  readonly trouble: {
    readonly sinceMs: number;
    readonly newestMs: number;
    /** What the newest one answered. */
    readonly reason: string;
  } | null;
}

export const NO_WRITES_FAILED: WriteHealth = { failed: 0, trouble: null };

/** One lost answer is no trouble: failures must go on for so long. */
const TROUBLE_AFTER_MS = 10_000;
/** Whoever has something to write tries again within seconds; after this nobody has, and old trouble says nothing. */
const TRIED_WITHIN_MS = 30_000;

/** `nowMs` is monotonic. A conflict tells nothing: it is answered before anything is stored. */
export function afterWrite(before: WriteHealth, outcome: CasOutcome, nowMs: number): WriteHealth {
  switch (outcome.kind) {
    case 'written':
      return before.trouble === null ? before : { ...before, trouble: null };
    case 'conflict':
      return before;
    case 'unknown':
      return {
        failed: before.failed + 1,
        trouble: {
          sinceMs: before.trouble?.sinceMs ?? nowMs,
          newestMs: nowMs,
          reason: outcome.cause.message,
        },
      };
  }
}

/** What people are told of writes that fail and fail; else empty. */
export function writeProblem({ trouble }: WriteHealth, nowMs: number): string {
  if (trouble === null) return '';
  const { sinceMs, newestMs, reason } = trouble;
  if (newestMs - sinceMs < TROUBLE_AFTER_MS || nowMs - newestMs > TRIED_WITHIN_MS) return '';
  return `the state cannot be written since ${ageWords(nowMs - sinceMs)}: ${reason}`;
}
