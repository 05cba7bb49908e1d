/** How long, in at most two units: `0s`, `59s`, `4m10s`, `3h05m`, `2d03h`. */
export function durationWords(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  if (s < 60) return `${s}s`;
  if (s < 3_600) return `${Math.floor(s / 60)}m${two(s % 60)}s`;
  if (s < 86_400) return `${Math.floor(s / 3_600)}h${two(Math.floor((s % 3_600) / 60))}m`;
  return `${Math.floor(s / 86_400)}d${two(Math.floor((s % 86_400) / 3_600))}h`;
}

/** Time since an ISO time, `-` when it is absent. */
export function ageWords(time: string | null, nowMs: number): string {
  return time === null ? '-' : durationWords((nowMs - Date.parse(time)) / 1_000);
}

/** Whole percent, rounded down so that 100 means all. */
export function percentWords(ratio: number): string {
  return String(Math.floor(ratio * 100 + 1e-9));
}

/** Decimal units: `512 B`, `24 kB`, `1.4 MB`, `210 MB`. */
export function sizeWords(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** `1 episode`, `2 episodes` */
export function countWords(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

export type TimeStyle = 'relative' | 'iso';

/** An ISO time as its age or as it is; `-` when it is absent. */
export function timeWords(time: string | null, nowMs: number, style: TimeStyle): string {
  return style === 'iso' ? (time ?? '-') : ageWords(time, nowMs);
}
