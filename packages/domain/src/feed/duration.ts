const WEEK_SECONDS = 7 * 86_400;

const CLOCK = /^(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,7})(?:[.,](\d{1,6}))?$/;
/** `1h 2m 3s`, `62 min`, `1 hour 2 minutes`, and ISO 8601's `PT1H2M3S`. */
const UNITS =
  /^(?:pt)?(?:(\d{1,4}) ?(?:h|hrs?|hours?)[, ]*)?(?:(\d{1,5}) ?(?:m|mins?|minutes?)[, ]*)?(?:(\d{1,7})(?:\.(\d{1,6}))? ?(?:s|secs?|seconds?))?\.?$/i;
const TEXT_LENGTH_MAX = 60;

/**
 * Seconds of an `itunes:duration`: `s`, `m:s`, `h:m:s`, with a fraction or without, or numbers with their units. Null for
 * rubbish, for nothing, and for more than a week. Only an estimate: the length that counts is measured on the audio.
 */
export function parseDurationSeconds(text: string): number | null {
  const cleaned = text.trim();
  if (cleaned.length > TEXT_LENGTH_MAX) return null;
  const match = CLOCK.exec(cleaned) ?? UNITS.exec(cleaned);
  if (match === null) return null;
  const [, hours = '0', minutes = '0', seconds = '0', fraction = '0'] = match;
  const total =
    Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(`0.${fraction}`);
  return total > 0 && total <= WEEK_SECONDS ? total : null;
}
