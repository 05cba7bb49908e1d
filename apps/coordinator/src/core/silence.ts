import type { TailState } from '@podctl/platform/kv.ts';
import { ageWords } from './age.ts';

/** The tail hears a heartbeat twice a second. */
const SILENT_AFTER_MS = 5_000;
/** A leader that died is followed by another within its key's time to live and a poll: 8 s. */
const VACANT_AFTER_MS = 10_000;

/** What people are told when the server does not answer though the connection stands; else empty. `nowMs` is monotonic. */
export function silenceProblem({ phase, heardAtMs }: TailState, nowMs: number): string {
  const silentMs = nowMs - heardAtMs;
  if (phase === 'stopped' || silentMs < SILENT_AFTER_MS) return '';
  return `NATS has been silent for ${ageWords(silentMs)}`;
}

/** What people are told when nobody leads; else empty. `sinceMs`: monotonic, null when somebody does. */
export function vacancyProblem(sinceMs: number | null, nowMs: number): string {
  if (sinceMs === null || nowMs - sinceMs < VACANT_AFTER_MS) return '';
  return `no coordinator leads since ${ageWords(nowMs - sinceMs)}`;
}
