import { parseFeedDate } from '../feed/date.ts';
import type { ArchiveEntry } from './archive.ts';
import { looseTitle } from './loose-title.ts';
import type { Candidate } from './match.ts';
import type { Sidecar } from './sidecar.ts';

const DATED = /^(\d{4})[-_. ]?(\d{2})[-_. ]?(\d{2})(?!\d)[\s_.-]*/;
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
  const dated = DATED.exec(name);
  const undated = dated === null ? name : name.slice(dated[0].length);
  const feed = looseTitle(folders.at(-1) ?? '');
  const titles = [sidecar?.title ?? '', name, undated, withoutFeed(undated, feed)];
  return {
    path: audio?.path ?? [...folders, stem].join('/'),
    guid: sidecar?.guid ?? null,
    titles: [...new Set(titles.filter((title) => title !== ''))],
    idStart: OUR_ID.exec(stem)?.[1] ?? null,
    publishedMs: sidecar?.publishedMs ?? dayMs(dated, nowMs),
    durationSeconds: durationSeconds ?? sidecar?.durationSeconds ?? null,
  };
}

/** `Feed - Title` is what several programs write. */
function withoutFeed(name: string, feed: string): string {
  const at = name.search(/\s[-–—]\s/);
  return at > 0 && looseTitle(name.slice(0, at)) === feed ? name.slice(at + 3) : '';
}

/** Noon of the day: a file's name says no time of day and no zone. */
function dayMs(dated: RegExpExecArray | null, nowMs: number): number | null {
  if (dated === null) return null;
  const startMs = parseFeedDate(`${dated[1]}-${dated[2]}-${dated[3]}`, nowMs);
  return startMs === null ? null : startMs + NOON_MS;
}
