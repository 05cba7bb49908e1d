const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** Names that RFC 822 and real feeds use, in minutes east of UTC. Those that two countries share are read as RFC 822 does. */
const ZONE_MINUTES: ReadonlyMap<string, number> = new Map([
  ['est', -300],
  ['edt', -240],
  ['cst', -360],
  ['cdt', -300],
  ['mst', -420],
  ['mdt', -360],
  ['pst', -480],
  ['pdt', -420],
  ['akst', -540],
  ['akdt', -480],
  ['hst', -600],
  ['wet', 0],
  ['west', 60],
  ['bst', 60],
  ['cet', 60],
  ['cest', 120],
  ['eet', 120],
  ['eest', 180],
  ['msk', 180],
  ['ist', 330],
  ['jst', 540],
  ['kst', 540],
  ['aest', 600],
  ['aedt', 660],
  ['nzst', 720],
  ['nzdt', 780],
]);

const TEXT_LENGTH_MAX = 80;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Scheduled episodes are dated some days ahead; what is dated further on is an error of the feed (AntennaPod#4219). */
export const FUTURE_MS_MAX = 31 * DAY_MS;

interface Day {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/**
 * Epoch milliseconds of an item's date: RFC 822 and its common misspellings, or ISO 8601. A weekday is not looked at,
 * seconds may be absent, an unknown zone counts as UTC, an impossible time of day as midnight (the day is still worth
 * knowing). Null for rubbish, for years before 1900, and for the far future.
 */
export function parseFeedDate(text: string, nowMs: number): number | null {
  const cleaned = text.trim().toLowerCase();
  if (cleaned === '' || cleaned.length > TEXT_LENGTH_MAX) return null;
  const found = isoDay(cleaned) ?? namedDay(cleaned);
  if (found === null) return null;
  const dayMs = epochMsOf(found.day);
  if (dayMs === null) return null;
  const ms = dayMs + timeOfDayMs(found.rest);
  return ms > nowMs + FUTURE_MS_MAX ? null : ms;
}

function isoDay(text: string): { day: Day; rest: string } | null {
  const match =
    /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:t|\s+|$)(.*)$/.exec(text) ??
    // ISO's basic form; digits alone would be the seconds of a clock as often.
    /^(\d{4})(\d{2})(\d{2})t(\d.*)$/.exec(text);
  if (match === null) return null;
  const [, year, month, day, rest = ''] = match;
  return { day: { year: Number(year), month: Number(month), day: Number(day) }, rest };
}

function namedDay(text: string): { day: Day; rest: string } | null {
  const dayFirst =
    /^(?:[a-z]+\.?,?\s*)?(\d{1,2})(?:st|nd|rd|th)?[\s-]+([a-z]{3,9})\.?,?[\s-]+(\d{2,4})\b,?(.*)$/;
  const monthFirst =
    /^(?:[a-z]+,\s*)?([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\b,?(.*)$/;
  // What `ctime` writes: the year is the last word.
  const yearLast = /^[a-z]{3,9}\s+([a-z]{3,9})\s+(\d{1,2})\s+(\d.*?)\s+(\d{4})$/;
  const first = dayFirst.exec(text);
  if (first !== null) return dayOf(first[1], first[2], first[3], first[4]);
  const second = monthFirst.exec(text);
  if (second !== null) return dayOf(second[2], second[1], second[3], second[4]);
  const third = yearLast.exec(text);
  return third === null ? null : dayOf(third[2], third[1], third[4], third[3]);
}

function dayOf(day = '', monthName = '', year = '', rest = ''): { day: Day; rest: string } | null {
  const month = MONTHS.indexOf(monthName.slice(0, 3)) + 1;
  return month === 0 ? null : { day: { year: fullYear(year), month, day: Number(day) }, rest };
}

function fullYear(digits: string): number {
  const year = Number(digits);
  // RFC 2822: two digits from 50 up, and three digits, count from 1900.
  if (digits.length === 2) return year + (year < 50 ? 2000 : 1900);
  return digits.length === 3 ? year + 1900 : year;
}

/** Milliseconds from midnight UTC; 0 when the time is absent or impossible. */
function timeOfDayMs(text: string): number {
  const match = /^\s*(\d{1,2}):?(\d{2})(?::?(\d{1,2})(?:[.,](\d{1,9}))?)?\s*(am|pm)?\s*(.*)$/.exec(
    text,
  );
  if (match === null) return 0;
  const hour = hourOf(Number(match[1]), match[5]);
  const minute = Number(match[2]);
  const second = Number(match[3] ?? 0);
  if (hour > 24 || minute > 59 || second > 60) return 0;
  const fractionMs = Math.floor(Number(`0.${match[4] ?? 0}`) * 1000);
  const localMs = hour * 60 * MINUTE_MS + minute * MINUTE_MS + second * 1000 + fractionMs;
  return localMs - zoneMinutes(match[6] ?? '') * MINUTE_MS;
}

function hourOf(hour: number, half: string | undefined): number {
  if (half === undefined || hour > 12) return hour;
  return (hour % 12) + (half === 'pm' ? 12 : 0);
}

function zoneMinutes(text: string): number {
  const offset = /^(?:gmt|utc|ut)?\s*([+-])(\d{1,2}):?(\d{2})?/.exec(text);
  if (offset !== null) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3] ?? 0);
    return minutes > 14 * 60 ? 0 : minutes * (offset[1] === '-' ? -1 : 1);
  }
  return ZONE_MINUTES.get(/^[a-z]+/.exec(text)?.[0] ?? '') ?? 0;
}

/** Null when there is no such day. The count of days is Howard Hinnant's `days_from_civil`. */
function epochMsOf({ year, month, day }: Day): number | null {
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  const length = lengths[month - 1];
  if (year < 1900 || year > 9999 || length === undefined || day < 1 || day > length) return null;
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return (era * 146_097 + dayOfEra - 719_468) * DAY_MS;
}
