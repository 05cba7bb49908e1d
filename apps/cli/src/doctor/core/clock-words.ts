import { durationWords } from '../../render/words.ts';
import { type Check, type CheckId, fail, ok, warn } from './check.ts';
import type { ClockFacts } from './fleet-facts.ts';

/** Certificates and tokens are good within minutes. */
const SKEW_MS_MAX = 60_000;
const SKEW_TOLD_MS = 2_000;

/** How far the other clock is ahead of ours, at least; null where it does not tell. */
export function aheadMs({ askedAtMs, answeredAtMs, otherMs, stepMs }: ClockFacts): number | null {
  if (otherMs === null) return null;
  if (otherMs > answeredAtMs) return otherMs - answeredAtMs;
  return otherMs + stepMs < askedAtMs ? otherMs + stepMs - askedAtMs : 0;
}

/** @param other e.g. `the coordinator's clock`. @param own e.g. `this machine's`. */
export function clockCheck(id: CheckId, ahead: number, other: string, own: string): Check {
  const off = Math.abs(ahead);
  if (off < SKEW_TOLD_MS) return ok(id, `${other} is right by ${own}, within 2 s`);
  const words = `${other} is ${durationWords(Math.round(off / 1_000))} ${ahead > 0 ? 'ahead of' : 'behind'} ${own}`;
  const fix = 'let both machines set their clocks by NTP, e.g. with "timedatectl set-ntp true"';
  return off > SKEW_MS_MAX ? fail(id, `${words}, and at most 60 s go`, fix) : warn(id, words, fix);
}
