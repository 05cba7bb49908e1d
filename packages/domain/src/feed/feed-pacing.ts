/** What a feed asks of those who poll it. All of it is a hint: within our own bounds it is followed. */
export interface FeedPacing {
  /** RSS `ttl`, or `sy:updatePeriod` by `sy:updateFrequency`: asking more often brings nothing; null when it says nothing. */
  readonly everyMs: number | null;
  /** RSS `skipHours`: hours of the day in UTC, 0 to 23. */
  readonly skipHours: readonly number[];
  /** RSS `skipDays`: days of the week in UTC, Sunday is 0. */
  readonly skipDays: readonly number[];
  /** `podcast:updateFrequency complete="true"`, or `itunes:complete`: nothing more is to come. */
  readonly complete: boolean;
}

const PERIODS_MS: { readonly [period: string]: number } = {
  hourly: 3_600_000,
  daily: 86_400_000,
  weekly: 7 * 86_400_000,
  monthly: 30 * 86_400_000,
  yearly: 365 * 86_400_000,
};
const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
/** A longer `ttl` is a mistake. */
const TTL_MINUTES_MAX = 525_600;

/** The texts as the document has them, each empty or absent where it has none. */
export interface PacingTexts {
  /** Minutes. */
  readonly ttl?: string | undefined;
  readonly updatePeriod?: string | undefined;
  readonly updateFrequency?: string | undefined;
  readonly skipHours?: readonly string[] | undefined;
  readonly skipDays?: readonly string[] | undefined;
  /** The attribute of `podcast:updateFrequency`, or the text of `itunes:complete`. */
  readonly complete?: string | undefined;
}

/** Null when nothing of it can be read. */
export function feedPacing(texts: PacingTexts): FeedPacing | null {
  const skipHours = numbers(texts.skipHours ?? [], hourOf);
  const skipDays = numbers(texts.skipDays ?? [], dayOf);
  const everyMs = ttlMs(texts.ttl ?? '') ?? periodMs(texts);
  const complete = /^\s*(?:true|yes|1)\s*$/i.test(texts.complete ?? '');
  const isEmpty = everyMs === null && !complete && skipHours.length + skipDays.length === 0;
  return isEmpty ? null : { everyMs, skipHours, skipDays, complete };
}

function ttlMs(text: string): number | null {
  const minutes = /^\d{1,7}$/.test(text.trim()) ? Number(text) : 0;
  return minutes > 0 && minutes <= TTL_MINUTES_MAX ? minutes * 60_000 : null;
}

function periodMs({ updatePeriod = '', updateFrequency = '' }: PacingTexts): number | null {
  const period = PERIODS_MS[updatePeriod.trim().toLowerCase()];
  if (period === undefined) return null;
  const times = /^\d{1,4}$/.test(updateFrequency.trim()) ? Number(updateFrequency) : 1;
  return Math.round(period / Math.max(1, times));
}

/** All hours or all days skipped is no hint, but a mistake. */
function numbers(texts: readonly string[], read: (text: string) => number | null): number[] {
  const read24 = texts.slice(0, 48).map(read);
  const found = [...new Set(read24.filter((one) => one !== null))].sort((a, b) => a - b);
  return found.length >= (read === hourOf ? 24 : 7) ? [] : found;
}

/** 24 is midnight in the older of the two specifications. */
function hourOf(text: string): number | null {
  const hour = /^\d{1,2}$/.test(text.trim()) ? Number(text) : 99;
  return hour <= 24 ? hour % 24 : null;
}

function dayOf(text: string): number | null {
  const day = DAYS.indexOf(text.trim().toLowerCase());
  return day < 0 ? null : day;
}
