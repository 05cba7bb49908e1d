import { durationWords } from '../words.ts';

/** `24,466` */
export function grouped(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Times real time: `75x`, `2.4x`; `-` when it is not known. */
export function speedWords(ratio: number | null): string {
  if (ratio === null) return '-';
  return `${ratio < 9.95 ? ratio.toFixed(1) : Math.round(ratio)}x`;
}

/** Until the end; `-` when it is not known. */
export function etaWords(seconds: number | null): string {
  return seconds === null ? '-' : durationWords(seconds);
}

/** Of audio: `1,904h`, below two hours `59m10s`. */
export function audioWords(seconds: number | null): string {
  if (seconds === null) return '-';
  return seconds < 7_200 ? durationWords(seconds) : `${grouped(Math.round(seconds / 3_600))}h`;
}

/** `###--`; full only when all is done. */
export function bar(ratio: number, width: number): string {
  const full = Math.max(0, Math.min(width, Math.floor(ratio * width + 1e-9)));
  return '#'.repeat(full) + '-'.repeat(width - full);
}
