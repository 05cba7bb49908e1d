const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const UNIT_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Milliseconds of a text like `500ms`, `30s`, `1.5h`, `2d`; null for every other text. */
export function durationMs(text: string): number | null {
  return measure(text, UNIT_MS);
}

/** Bytes of a text like `100KB` (thousands) or `64MiB` (1,024s); null for every other text. */
export function sizeBytes(text: string): number | null {
  return measure(text, UNIT_BYTES);
}

function measure(text: string, units: Readonly<Record<string, number>>): number | null {
  const [, digits, unit] = /^(\d{1,12}(?:\.\d{1,6})?)([A-Za-z]{1,3})$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined || !Object.hasOwn(units, unit)) return null;
  const amount = Math.round(Number(digits) * (units[unit] ?? Number.NaN));
  return Number.isSafeInteger(amount) ? amount : null;
}
