import { dayOf } from '../library-path.ts';
import { EpisodeIndex } from './episode-index.ts';
import { looseTitle } from './loose-title.ts';

/** What is known of a file that wants its episode. Null: not known. */
export interface Candidate {
  /** Names it in the answers. */
  readonly path: string;
  readonly guid: string | null;
  /** Titles it may have, the most trusted first: of its metadata, of its name, of its name without date and feed. */
  readonly titles: readonly string[];
  /** What may be its title without a number in front or behind: its date or its length has to say so, too. */
  readonly guesses?: readonly string[];
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
const FILES_A_STEP = 500;
/** Of more episodes of one title only the day can tell which. */
const SAME_MAX = 100;
/** A name shorter than this was not cut off by whoever wrote the file. */
const CUT_LENGTH_MIN = 40;

/**
 * Gives each file its episode of one feed, or says why it has none. By GUID or id first; then by title, where date and
 * length decide between episodes of one title, and a length or a date far off speaks against it; last by date and exact
 * length. A file costs no more where there are more episodes: an archive may have 200,000 of both.
 * An episode gets one file: the first by the surest kind of match. Nothing is guessed: two that fit are none.
 */
export function matchEpisodes<Id extends string>(
  candidates: readonly Candidate[],
  episodes: readonly KnownEpisode<Id>[],
): Match<Id>[] {
  const steps = matchSteps(candidates, episodes);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same in steps of some milliseconds, for a process that has others to answer. */
export function* matchSteps<Id extends string>(
  candidates: readonly Candidate[],
  episodes: readonly KnownEpisode<Id>[],
): Generator<void, Match<Id>[]> {
  const matcher = new Matcher(episodes);
  const found: Match<Id>[] = [];
  for (const candidate of candidates) {
    found.push(matcher.find(candidate));
    if (found.length % FILES_A_STEP === 0) yield;
  }
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

class Matcher<Id extends string> {
  readonly #index: EpisodeIndex<Id>;

  constructor(episodes: readonly KnownEpisode<Id>[]) {
    this.#index = new EpisodeIndex(episodes);
  }

  find(candidate: Candidate): Match<Id> {
    const { path, guid, idStart } = candidate;
    const byKey = guid === null ? undefined : this.#index.ofKey(guid);
    if (byKey !== undefined) return matched(path, byKey, 'guid');
    const [only, another] = idStart === null ? [] : this.#index.ofIdStart(idStart);
    if (only !== undefined && another === undefined) return matched(path, only, 'id');
    return this.#byTitles(candidate) ?? this.#byGuesses(candidate) ?? this.#byDate(candidate);
  }

  #byTitles(candidate: Candidate): Match<Id> | null {
    const titles = loose(candidate.titles);
    for (const title of titles) {
      const same = this.#index.ofTitle(title);
      if (same.length > SAME_MAX) return this.#amongMany(candidate, title);
      if (same.length > 0) return among(candidate, same);
    }
    for (const title of titles) {
      const begin = title.length < CUT_LENGTH_MIN ? [] : this.#index.ofTitleStart(title, SAME_MAX);
      if (begin.length > 0) return among(candidate, begin);
    }
    return null;
  }

  /** Not each of them is looked at, for each file of a daily show. */
  #amongMany(candidate: Candidate, title: string): Match<Id> {
    const { path, publishedMs } = candidate;
    const near = publishedMs === null ? [] : this.#index.published(publishedMs, DATE_MS_MAX);
    const same = near.filter((episode) => looseTitle(episode.title) === title);
    if (same.length > 0) return among(candidate, same);
    const day = publishedMs === null ? 'its name says no day' : 'none is of its day';
    return unmatched(path, `more than ${SAME_MAX} episodes have its title, and ${day}`);
  }

  /** `Part (2)` may be the second copy of a file, or an episode of its own that the feed has forgotten. */
  #byGuesses(candidate: Candidate): Match<Id> | null {
    for (const title of loose(candidate.guesses ?? [])) {
      const same = this.#index.ofTitle(title);
      if (same.length > SAME_MAX) continue;
      const sure = same.filter(
        (episode) =>
          isOnDate(candidate, episode) === true || isOfLength(candidate, episode) === true,
      );
      const found = sure.length === 0 ? null : among(candidate, sure);
      if (found?.kind === 'matched') return found;
    }
    return null;
  }

  #byDate(candidate: Candidate): Match<Id> {
    const { path, publishedMs } = candidate;
    const near = publishedMs === null ? [] : this.#index.published(publishedMs, DATE_MS_MAX);
    const [only, another] = near.filter((episode) => isOfCloseLength(candidate, episode));
    if (only !== undefined && another === undefined) return matched(path, only, 'date and length');
    return unmatched(path, 'no episode of the feed has its title, or its date and length');
  }
}

function loose(titles: readonly string[]): readonly string[] {
  return titles.map(looseTitle).filter((title) => title !== '');
}

/** Of episodes that have its title. */
function among<Id extends string>(
  candidate: Candidate,
  same: readonly KnownEpisode<Id>[],
): Match<Id> {
  const { path } = candidate;
  const [first, another] = same;
  if (first !== undefined && another === undefined) return alone(candidate, first);
  const onDate = same.filter((episode) => isOnDate(candidate, episode) === true);
  const atTime = onDate.filter(({ publishedMs }) => publishedMs === candidate.publishedMs);
  const [dated, anotherDated] = atTime.length === 1 ? atTime : onDate;
  if (dated !== undefined && anotherDated === undefined)
    return matched(path, dated, 'title and date');
  const left = onDate.length > 0 ? onDate : same.filter((one) => !isOfOtherTime(candidate, one));
  const [long, anotherLong] = left.filter((episode) => isOfLength(candidate, episode) === true);
  if (long !== undefined && anotherLong === undefined)
    return matched(path, long, 'title and length');
  return unmatched(
    path,
    `${same.length} episodes have its title, and neither its date nor its length tells which: ${same
      .slice(0, 3)
      .map(({ id }) => id)
      .join(', ')}`,
  );
}

/** The only episode of its title: still another one, if the feed has forgotten an older one of that title. */
function alone<Id extends string>(candidate: Candidate, episode: KnownEpisode<Id>): Match<Id> {
  const { path, durationSeconds, publishedMs } = candidate;
  const title = `the episode of its title (${episode.id})`;
  if (isOfLength(candidate, episode) === false)
    return unmatched(
      path,
      `it is ${words(durationSeconds)} long, and ${title} ${words(episode.durationSeconds)}`,
    );
  if (isOfOtherTime(candidate, episode))
    return unmatched(
      path,
      `it is of ${dayWords(publishedMs)}, and ${title} of ${dayWords(episode.publishedMs)}`,
    );
  return matched(path, episode, 'title');
}

/** Shows repeat their titles over the years: only the exact length outweighs another day. */
function isOfOtherTime(candidate: Candidate, episode: KnownEpisode): boolean {
  return isOnDate(candidate, episode) === false && !isOfCloseLength(candidate, episode);
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

function isOfCloseLength(
  { durationSeconds }: Candidate,
  { durationSeconds: known }: KnownEpisode,
): boolean {
  if (durationSeconds === null || known === null) return false;
  return Math.abs(durationSeconds - known) <= CLOSE_SECONDS_MAX;
}

function dayWords(epochMs: number | null): string {
  return dayOf(epochMs) ?? 'an unknown day';
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
