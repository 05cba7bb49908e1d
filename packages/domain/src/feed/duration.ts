const WEEK_SECONDS = 7 * 86_400;

/**
 * Seconds of an `itunes:duration`: `s`, `m:s`, `h:m:s`, with a fraction or without. Null for rubbish, for nothing,
 * and for more than a week. Only an estimate: the length that counts is measured on the audio.
 */
export function parseDurationSeconds(text: string): number | null {
  const match = /^\s*(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,7})(?:[.,](\d{1,6}))?\s*$/.exec(text);
  if (match === null) return null;
  const [, hours = '0', minutes = '0', seconds = '0', fraction = '0'] = match;
  const total =
    Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(`0.${fraction}`);
  return total > 0 && total <= WEEK_SECONDS ? total : null;
}
