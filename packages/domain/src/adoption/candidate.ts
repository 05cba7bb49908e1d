import { parseFeedDate } from '../feed/date.ts';
import type { ArchiveEntry } from './archive.ts';
import { looseTitle } from './loose-title.ts';
import type { Candidate } from './match.ts';
import type { Sidecar } from './sidecar.ts';

/** A day in a name, at its beginning or its end. With the day first only with dots: what hyphens mean there, nobody knows. */
const DATES: readonly RegExp[] = [
  /^[[(]?(?<year>\d{4})[-_. ]?(?<month>\d{2})[-_. ]?(?<day>\d{2})(?!\d)[\])]?[\s_.-]*/u,
  /^[[(]?(?<day>\d{1,2})\.(?<month>\d{1,2})\.(?<year>\d{4})(?!\d)[\])]?[\s_.-]*/u,
  /[\s_.-]*[[(]?(?<!\d)(?<year>\d{4})[-_.]?(?<month>\d{2})[-_.]?(?<day>\d{2})[\])]?$/u,
  /[\s_.-]*[[(]?(?<!\d)(?<day>\d{1,2})\.(?<month>\d{1,2})\.(?<year>\d{4})[\])]?$/u,
];
/** What programs put in front of a title, or behind that of a second file: `012 - `, `#12: `, `S02E05 `, ` (2)`. */
const NUMBERED =
  /^[[(]?(?:#|(?:episode|ep|e|folge|no|nr)[\s._-]*#?|s\d{1,3}[\s._-]*e)?\d{1,5}(?![\p{L}\p{N}])[\s_.:)\]-]*/iu;
const COPIED = /[\s_]*(?:\(\d{1,2}\)|[\s_-]+copy(?:[\s_]\d{1,2})?)$/iu;
const NOON_MS = 12 * 3_600_000;
const OUR_ID = /\s*\[([a-z2-7]{8})\]$/;

/** What an entry's name and metadata tell of its episode. `durationSeconds`: measured; else what the metadata says. */
export function candidateOf(
  { folders, stem, audio }: ArchiveEntry,
  sidecar: Sidecar | null,
  durationSeconds: number | null,
  nowMs: number,
): Candidate {
  const name = stem.replace(OUR_ID, '');
  const dated = datedName(name, nowMs);
  const feed = looseTitle(folders.at(-1) ?? '');
  const undated = dated?.rest ?? name;
  const titles = [sidecar?.title ?? '', name, undated, withoutFeed(undated, feed)];
  const known = [...new Set(titles.filter((title) => title !== ''))];
  return {
    path: audio?.path ?? [...folders, stem].join('/'),
    guid: sidecar?.guid ?? null,
    titles: known,
    guesses: known.flatMap(guessesOf),
    idStart: OUR_ID.exec(stem)?.[1] ?? null,
    publishedMs: sidecar?.publishedMs ?? dated?.noonMs ?? null,
    durationSeconds: durationSeconds ?? sidecar?.durationSeconds ?? null,
  };
}

function guessesOf(title: string): readonly string[] {
  const single = title.replace(COPIED, '');
  const bare = single.replace(NUMBERED, '');
  return [single, bare].filter((guess) => guess !== '' && guess !== title);
}

/** `Feed - Title` is what several programs write. */
function withoutFeed(name: string, feed: string): string {
  const at = name.search(/\s[-–—]\s/);
  return at > 0 && looseTitle(name.slice(0, at)) === feed ? name.slice(at + 3) : '';
}

/** Noon of the day: a file's name says no time of day and no zone. */
function datedName(name: string, nowMs: number): { rest: string; noonMs: number } | null {
  for (const pattern of DATES) {
    const { year = '', month = '', day = '' } = pattern.exec(name)?.groups ?? {};
    if (year === '') continue;
    const text = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
    const startMs = parseFeedDate(text, nowMs);
    if (startMs !== null) return { rest: name.replace(pattern, ''), noonMs: startMs + NOON_MS };
  }
  return null;
}
