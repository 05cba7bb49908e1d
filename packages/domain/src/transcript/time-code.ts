/** `hh:mm:ss` and the milliseconds after `separator`; hours take more than two digits when they need them. */
export function timeCode(ms: number, separator: ',' | '.'): string {
  const digits = (n: number, width: number) => String(n).padStart(width, '0');
  const seconds = Math.floor(ms / 1000);
  const hours = digits(Math.floor(seconds / 3600), 2);
  const minutes = digits(Math.floor(seconds / 60) % 60, 2);
  return `${hours}:${minutes}:${digits(seconds % 60, 2)}${separator}${digits(ms % 1000, 3)}`;
}
