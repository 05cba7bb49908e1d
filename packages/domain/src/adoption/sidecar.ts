import { parseFeedDate } from '../feed/date.ts';

/** What a metadata file beside the audio says of its episode; null where it does not. */
export interface Sidecar {
  readonly guid: string | null;
  readonly title: string | null;
  readonly publishedMs: number | null;
  readonly durationSeconds: number | null;
}

const TEXT_MAX = 2_048;

/**
 * Reads a metadata file by the names that downloaders of podcasts use: ours (`guid`, `published`, `durationSeconds`),
 * yt-dlp's (`id`, `timestamp`, `upload_date`, `duration`) and plain ones. Null when it is no JSON object or says
 * nothing of the kind, as a transcript's JSON.
 */
export function readSidecar(text: string, nowMs: number): Sidecar | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const of = (...names: readonly string[]) =>
    names.map((name) => (value as Record<string, unknown>)[name]).find((one) => one != null);
  const sidecar = {
    guid: textOf(of('guid', 'key', 'episode_guid')),
    title: textOf(of('title', 'episode_title', 'name')),
    publishedMs: timeOf(
      of('published', 'pubDate', 'pub_date', 'publishedAt', 'date', 'timestamp', 'upload_date'),
      nowMs,
    ),
    durationSeconds: secondsOf(of('durationSeconds', 'duration')),
  };
  return sidecar.guid === null && sidecar.title === null ? null : sidecar;
}

function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return null;
  const text = value.trim();
  return text === '' || text.length > TEXT_MAX ? null : text;
}

function timeOf(value: unknown, nowMs: number): number | null {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0)
    return value < 1e11 ? value * 1_000 : value;
  if (typeof value !== 'string') return null;
  const day = /^(\d{4})(\d{2})(\d{2})$/.exec(value);
  return parseFeedDate(day === null ? value : `${day[1]}-${day[2]}-${day[3]}`, nowMs);
}

function secondsOf(value: unknown): number | null {
  const seconds = typeof value === 'string' ? Number(value) : value;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}
