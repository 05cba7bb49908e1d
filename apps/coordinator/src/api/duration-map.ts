import type { Duration } from '@podctl/proto/google/protobuf/duration.ts';

/** Seconds and nanos have the same sign. */
export function durationOf(ms: number): Duration {
  const whole = Math.round(ms);
  const seconds = Math.trunc(whole / 1_000);
  return { seconds: BigInt(seconds), nanos: (whole - seconds * 1_000) * 1_000_000 };
}

/** Null for one that is negative or longer than `msMax`. */
export function msOf({ seconds, nanos }: Duration, msMax: number): number | null {
  if (seconds < 0n || nanos < 0 || seconds > BigInt(Math.ceil(msMax / 1_000))) return null;
  const ms = Number(seconds) * 1_000 + Math.trunc(nanos / 1_000_000);
  return ms > msMax ? null : ms;
}
