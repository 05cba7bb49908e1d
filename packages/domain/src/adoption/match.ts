import { shownKey } from '../feed/shown-key.ts';
import { looseTitle } from './loose-title.ts';

/** What is known of a file that wants its episode. Null: not known. */
export interface Candidate {
  /** Names it in the answers. */
  readonly path: string;
  readonly guid: string | null;
  /** Titles it may have, the most trusted first: of its metadata, of its name, of its name without date and feed. */
  readonly titles: readonly string[];
  /** The first eight of an episode's id, where its name says one as ours do. */
  readonly idStart: string | null;
  readonly publishedMs: number | null;
  /** Measured. */
  readonly durationSeconds: number | null;
}

/** An episode of the feed that the files are of. */
export interface KnownEpisode<Id extends string = string> {
  readonly id: Id;
  /** GUID, or the URL that stands for one. */
  readonly key: string;
  readonly title: string;
  readonly publishedMs: number | null;
  /** What the feed says: an estimate. */
  readonly durationSeconds: number | null;
}

export type MatchedBy =
  | 'guid'
  | 'id'
  | 'title'
  | 'title and date'
  | 'title and length'
  | 'date and length';

export type Match<Id extends string = string> =
  | {
      readonly kind: 'matched';
      readonly path: string;
      readonly episode: Id;
      readonly by: MatchedBy;
    }
  | { readonly kind: 'unmatched'; readonly path: string; readonly reason: string };

const DAY_MS = 86_400_000;
/** A feed's day and a file's may be of two time zones. */
const DATE_MS_MAX = 1.5 * DAY_MS;
/** Advertisements are put in anew at each download: minutes more or less are the same episode. */
const LENGTH_SECONDS_MAX = 180;
const LENGTH_SHARE_MAX = 0.15;
/** Without a title the length has to be right. */
const CLOSE_SECONDS_MAX = 5;
/** A name shorter than this was not cut off by whoever wrote the file. */
const CUT_LENGTH_MIN = 40;

/**
 * Gives each file its episode of one feed, or says why it has none. By GUID or id first; then by title, where date and
 * length decide between episodes of one title and a length far off speaks against it; last by date and exact length.
 * An episode gets one file: the first by the surest kind of match. Nothing is guessed: two that fit are none.
 */
export function matchEpisodes<Id extends string>(
  candidates: readonly Candidate[],
  episodes: readonly KnownEpisode<Id>[],
): Match<Id>[] {
  const index = new Index(episodes);
  const found = candidates.map((candidate) => index.find(candidate));
  const taken = new Map<Id, string>();
  const order = found
    .map((match, at) => ({ match, at }))
    .sort((a, b) => sureness(a.match) - sureness(b.match) || a.at - b.at);
  for (const { match, at } of order) {
    if (match.kind !== 'matched') continue;
    const other = taken.get(match.episode);
    if (other === undefined) taken.set(match.episode, match.path);
    else
      found[at] = unmatched(match.path, `${other} is taken for the same episode, ${match.episode}`);
  }
  return found;
}

const SURENESS: readonly MatchedBy[] = [
  'guid',
  'id',
  'title and date',
  'title and length',
  'title',
  'date and length',
];

function sureness(match: Match): number {
  return match.kind === 'matched' ? SURENESS.indexOf(match.by) : SURENESS.length;
}

class Index<Id extends string> {
  readonly #episodes: readonly KnownEpisode<Id>[];
  readonly #byKey = new Map<string, KnownEpisode<Id>>();
  /** By keys as they are written beside audio: without secrets. Of one that two have, nothing can be said. */
  readonly #byShownKey = new Map<string, KnownEpisode<Id> | null>();
  readonly #byTitle = new Map<string, KnownEpisode<Id>[]>();

  constructor(episodes: readonly KnownEpisode<Id>[]) {
    this.#episodes = episodes;
    for (const episode of episodes) {
      this.#byKey.set(episode.key, episode);
      const shown = shownKey(episode.key);
      this.#byShownKey.set(shown, this.#byShownKey.has(shown) ? null : episode);
      const title = looseTitle(episode.title);
      if (title === '') continue;
      const list = this.#byTitle.get(title);
      if (list === undefined) this.#byTitle.set(title, [episode]);
      else list.push(episode);
    }
  }

  find(candidate: Candidate): Match<Id> {
    const { path, guid, idStart } = candidate;
    const byKey = guid === null ? null : (this.#byKey.get(guid) ?? this.#byShownKey.get(guid));
    if (byKey != null) return matched(path, byKey, 'guid');
    if (idStart !== null) {
      const [only, another] = this.#episodes.filter(({ id }) => id.startsWith(idStart));
      if (only !== undefined && another === undefined) return matched(path, only, 'id');
    }
    return this.#byTitles(candidate) ?? this.#byDate(candidate);
  }

  #byTitles(candidate: Candidate): Match<Id> | null {
    const titles = candidate.titles.map(looseTitle).filter((title) => title !== '');
    for (const title of titles) {
      const same = this.#byTitle.get(title);
      if (same !== undefined) return among(candidate, same);
    }
    for (const title of titles) {
      if (title.length < CUT_LENGTH_MIN) continue;
      const begin = [...this.#byTitle].filter(([whole]) => whole.startsWith(title));
      if (begin.length > 0)
        return among(
          candidate,
          begin.flatMap(([, list]) => list),
        );
    }
    return null;
  }

  #byDate(candidate: Candidate): Match<Id> {
    const { path, durationSeconds } = candidate;
    const near = this.#episodes.filter((episode) => isOnDate(candidate, episode) === true);
    const [only, another] = near.filter(
      (episode) =>
        durationSeconds !== null &&
        episode.durationSeconds !== null &&
        Math.abs(durationSeconds - episode.durationSeconds) <= CLOSE_SECONDS_MAX,
    );
    if (only !== undefined && another === undefined) return matched(path, only, 'date and length');
    return unmatched(path, 'no episode of the feed has its title, or its date and length');
  }
}

/** Of episodes that have its title. */
function among<Id extends string>(
  candidate: Candidate,
  same: readonly KnownEpisode<Id>[],
): Match<Id> {
  const { path } = candidate;
  const [first] = same;
  if (first !== undefined && same.length === 1) {
    if (isOfLength(candidate, first) !== false) return matched(path, first, 'title');
    return unmatched(
      path,
      `it is ${words(candidate.durationSeconds)} long, and the episode of its title (${first.id}) ${words(first.durationSeconds)}`,
    );
  }
  const onDate = same.filter((episode) => isOnDate(candidate, episode) === true);
  if (onDate[0] !== undefined && onDate.length === 1)
    return matched(path, onDate[0], 'title and date');
  const left = onDate.length > 0 ? onDate : same;
  const long = left.filter((episode) => isOfLength(candidate, episode) === true);
  if (long[0] !== undefined && long.length === 1) return matched(path, long[0], 'title and length');
  return unmatched(
    path,
    `${same.length} episodes have its title, and neither its date nor its length tells which: ${same
      .slice(0, 3)
      .map(({ id }) => id)
      .join(', ')}`,
  );
}

/** Null where one of them says nothing. */
function isOnDate(
  { publishedMs }: Candidate,
  { publishedMs: known }: KnownEpisode,
): boolean | null {
  if (publishedMs === null || known === null) return null;
  return Math.abs(publishedMs - known) <= DATE_MS_MAX;
}

function isOfLength(
  { durationSeconds }: Candidate,
  { durationSeconds: known }: KnownEpisode,
): boolean | null {
  if (durationSeconds === null || known === null) return null;
  const off = Math.abs(durationSeconds - known);
  return off <= Math.max(LENGTH_SECONDS_MAX, LENGTH_SHARE_MAX * known);
}

function words(seconds: number | null): string {
  return `${Math.round(seconds ?? 0)} s`;
}

function matched<Id extends string>(
  path: string,
  { id }: KnownEpisode<Id>,
  by: MatchedBy,
): Match<Id> {
  return { kind: 'matched', path, episode: id, by };
}

function unmatched(path: string, reason: string): Match<never> {
  return { kind: 'unmatched', path, reason };
}
