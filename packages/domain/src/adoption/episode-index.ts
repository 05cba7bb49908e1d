import { shownKey } from '../feed/shown-key.ts';
import { looseTitle } from './loose-title.ts';
import type { KnownEpisode } from './match.ts';

const ID_START = 8;

/** The episodes of one feed, found by what a file may tell of them without looking at each. */
export class EpisodeIndex<Id extends string> {
  readonly #byKey = new Map<string, KnownEpisode<Id>>();
  /** By keys as they are written beside audio: without secrets. Of one that two have, nothing can be said. */
  readonly #byShownKey = new Map<string, KnownEpisode<Id> | null>();
  readonly #byIdStart = new Map<string, KnownEpisode<Id>[]>();
  readonly #byTitle = new Map<string, KnownEpisode<Id>[]>();
  /** By UTF-16 code units. */
  readonly #titles: readonly string[];
  /** The dated ones, the oldest first. */
  readonly #dated: readonly Dated<Id>[];

  constructor(episodes: readonly KnownEpisode<Id>[]) {
    for (const episode of episodes) {
      this.#byKey.set(episode.key, episode);
      const shown = shownKey(episode.key);
      this.#byShownKey.set(shown, this.#byShownKey.has(shown) ? null : episode);
      listAt(this.#byIdStart, episode.id.slice(0, ID_START)).push(episode);
      const title = looseTitle(episode.title);
      if (title !== '') listAt(this.#byTitle, title).push(episode);
    }
    this.#titles = [...this.#byTitle.keys()].sort();
    this.#dated = episodes
      .flatMap((episode) =>
        episode.publishedMs === null ? [] : [{ atMs: episode.publishedMs, episode }],
      )
      .sort((a, b) => a.atMs - b.atMs);
  }

  ofKey(key: string): KnownEpisode<Id> | undefined {
    return this.#byKey.get(key) ?? this.#byShownKey.get(key) ?? undefined;
  }

  /** `idStart`: eight characters. */
  ofIdStart(idStart: string): readonly KnownEpisode<Id>[] {
    return this.#byIdStart.get(idStart) ?? [];
  }

  ofTitle(looseTitle: string): readonly KnownEpisode<Id>[] {
    return this.#byTitle.get(looseTitle) ?? [];
  }

  /** None when they are more than `most`: then it is the name of the show, and tells nothing. */
  ofTitleStart(start: string, most: number): readonly KnownEpisode<Id>[] {
    const found: KnownEpisode<Id>[] = [];
    let at = firstAt(this.#titles, (title) => title >= start);
    for (let title = this.#titles[at]; title?.startsWith(start); title = this.#titles[at]) {
      found.push(...this.ofTitle(title));
      at += 1;
      if (found.length > most) return [];
    }
    return found;
  }

  /** At most `withinMs` before or after. */
  published(atMs: number, withinMs: number): readonly KnownEpisode<Id>[] {
    const from = firstAt(this.#dated, (one) => one.atMs >= atMs - withinMs);
    const to = firstAt(this.#dated, (one) => one.atMs > atMs + withinMs);
    return this.#dated.slice(from, to).map(({ episode }) => episode);
  }
}

interface Dated<Id extends string> {
  readonly atMs: number;
  readonly episode: KnownEpisode<Id>;
}

function listAt<V>(lists: Map<string, V[]>, key: string): V[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

/** The first place that fits, where all behind it do. */
function firstAt<T>(list: readonly T[], fits: (one: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const one = list[middle];
    if (one !== undefined && !fits(one)) low = middle + 1;
    else high = middle;
  }
  return low;
}
