import type { EpisodeId, FeedId } from '../ids.ts';
import { type ItemMarks, itemMarks, type Sha256 } from './audio-identity.ts';
import type { FilteredFacts } from './episode-filter.ts';
import type { FeedDocument, FeedItem } from './feed-document.ts';
import { isRestless, type LedgerCounts, type LedgerEntry, ledgerCounts } from './ledger-entry.ts';
import { type Match, matchItems } from './ledger-match.ts';
import { relisted, restated } from './relisted.ts';

/** An episode never seen before. */
export interface NewEpisode {
  readonly episode: EpisodeId;
  /** What its id was made of. */
  readonly key: string;
  readonly item: FeedItem;
  /** Its URL is read from the feed again just before it is fetched. */
  readonly isRestless: boolean;
}

/** A known episode of which something is another now, by the item that tells it. */
export interface ChangedEpisode {
  readonly episode: EpisodeId;
  readonly item: FeedItem;
  readonly isUrlNew: boolean;
  /** A later key; null where it has none more. */
  readonly alias: string | null;
  readonly isRestless: boolean;
}

/** What a document adds to a ledger. It says of nothing that it should be removed. */
export interface FoldedLedger {
  /** All, those of before in their places. */
  readonly entries: readonly LedgerEntry[];
  /** Places of the entries that are others now, rising. */
  readonly dirty: readonly number[];
  /** New, and wanted. */
  readonly fresh: readonly NewEpisode[];
  /** New, and let through by no filter. */
  readonly filtered: readonly NewEpisode[];
  /** Known for a while, and wanted from now on; the item is null where the document does not list it. */
  readonly admitted: readonly { readonly episode: EpisodeId; readonly item: FeedItem | null }[];
  readonly changed: readonly ChangedEpisode[];
  readonly vanished: readonly EpisodeId[];
  readonly returned: readonly EpisodeId[];
  readonly audioChanged: readonly EpisodeId[];
  /** Items left for the next whole document, or beyond what a ledger holds. */
  readonly putOff: number;
  /** Known episodes of which something is another, and which are left for the next fold. */
  readonly restatedLater: number;
  /** Which items this document lists of which episodes. */
  readonly listed: ReadonlyMap<EpisodeId, FeedItem>;
  readonly counts: LedgerCounts;
}

export interface FoldOptions {
  readonly feed: FeedId;
  readonly nowMs: number;
  readonly sha256: Sha256;
  /** Whether an episode passes the feed's filter. */
  readonly passes: (facts: FilteredFacts) => boolean;
  readonly episodesMax: number | null;
  /** What is known of filtered episodes, where the filter is another than at the last fold: they may be admitted unlisted. */
  readonly kept?: ReadonlyMap<EpisodeId, FilteredFacts> | undefined;
  /** Which fold it is: where too much is another at once, each begins elsewhere, so that nothing is left for ever. */
  readonly turn?: number | undefined;
  /** Known episodes of which facts alone are others, that it takes; RESTATED_MAX unless told. */
  readonly restatedMax?: number | undefined;
}

/** A feed that makes up new episodes at each reading must not fill the fleet's memory. */
export const LEDGER_ENTRIES_MAX = 200_000;
/** Episodes of which facts alone are others, that one fold takes: a feed may write all of them anew at each reading. */
export const RESTATED_MAX = 5_000;
/** Items worked on between two rests: a few milliseconds. */
const SLICE = 100;
/** Titles that somebody's patterns look at between two rests: a hard one takes milliseconds. */
const FILTER_SLICE = 2;
/** Entries looked through between two rests. */
const LOOK_SLICE = 2_000;

/**
 * Folds what a feed lists into its ledger. The ledger only grows: what a whole document does not list has vanished, is kept,
 * and comes back when it is listed again; a document that is known to be a part (it broke off, had too many items, has
 * further pages) or is empty makes nothing vanish. "New" is a key never seen on audio never seen, whatever its date.
 *
 * Pure; a generator, so that who runs it can let others run after each slice. Folding the same document again changes nothing.
 */
export function* foldLedger(
  before: readonly LedgerEntry[],
  document: FeedDocument,
  options: FoldOptions,
): Generator<void, FoldedLedger> {
  const marks: ItemMarks[] = [];
  for (const item of document.items) {
    marks.push(itemMarks(item, options.feed, options.sha256));
    if (marks.length % SLICE === 0) yield;
  }
  const isWhole = isWholeDocument(document);
  const matches = yield* matchItems(before, marks, isWhole);
  const fold = new Fold(before, options);
  for (const [n, match] of matches.entries()) {
    const item = document.items[n];
    const marked = marks[n];
    if (item !== undefined && marked !== undefined) fold.take(match, item, marked);
    if (n % SLICE === SLICE - 1) yield;
  }
  yield* fold.restate();
  if (isWhole) yield* fold.vanish();
  yield* fold.filter();
  return yield* fold.done();
}

/** Runs a fold to its end at once: for small feeds, and for tests. */
export function foldAtOnce(
  before: readonly LedgerEntry[],
  document: FeedDocument,
  options: FoldOptions,
): FoldedLedger {
  const steps = foldLedger(before, document, options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Whether what it does not list has vanished. Who put pages together says himself when some are lacking. */
export function isWholeDocument(document: FeedDocument): boolean {
  const { isPartial = false, nextPageUrl, pages, items } = document;
  const isAll = pages === undefined ? nextPageUrl === null : true;
  return !isPartial && isAll && items.length > 0;
}

/** What may be wanted, with what orders it. */
interface Candidate {
  readonly at: number;
  readonly item: FeedItem | null;
  readonly dateS: number | null;
  /** Its place in the document; beyond all where it is not listed. */
  readonly place: number;
}

interface Restated {
  readonly at: number;
  readonly item: FeedItem;
  readonly marks: ItemMarks;
}

interface Listed {
  readonly item: FeedItem;
  readonly place: number;
}

class Fold {
  readonly #options: FoldOptions;
  readonly #nowS: number;
  readonly #entries: LedgerEntry[];
  readonly #dirty = new Set<number>();
  /** What the document lists, by the entry's place. */
  readonly #listed = new Map<number, Listed>();
  readonly #fresh = new Map<number, NewEpisode>();
  readonly #changed: ChangedEpisode[] = [];
  readonly #restated: Restated[] = [];
  readonly #admitted: { episode: EpisodeId; item: FeedItem | null }[] = [];
  readonly #vanished: EpisodeId[] = [];
  readonly #returned: EpisodeId[] = [];
  readonly #audioChanged: EpisodeId[] = [];
  #putOff = 0;
  #restatedLater = 0;

  constructor(before: readonly LedgerEntry[], options: FoldOptions) {
    this.#options = options;
    this.#nowS = Math.floor(options.nowMs / 1_000);
    this.#entries = [...before];
  }

  take(match: Match, item: FeedItem, marks: ItemMarks): void {
    switch (match.kind) {
      case 'known':
        this.#known(match.at, match.alias, item, marks);
        break;
      case 'fresh':
        this.#add(match.by, item, marks);
        break;
      case 'put_off':
        this.#putOff += 1;
        break;
      case 'repeat':
        break;
    }
  }

  /** Takes up what is told of known episodes beside their audio, as much as one fold may. */
  *restate(): Generator<void, void> {
    const all = this.#restated;
    const { turn = 0, restatedMax = RESTATED_MAX } = this.#options;
    const count = Math.min(all.length, restatedMax);
    this.#restatedLater = all.length - count;
    const first = all.length > count ? (turn * restatedMax) % all.length : 0;
    for (let n = 0; n < count; n += 1) {
      const one = all[(first + n) % all.length];
      if (one !== undefined) this.#change(one, { isUrlNew: false, alias: null });
      if (n % SLICE === SLICE - 1) yield;
    }
  }

  /** Whatever the document does not list, from now on. */
  *vanish(): Generator<void, void> {
    for (const [at, entry] of this.#entries.entries()) {
      if (at % LOOK_SLICE === LOOK_SLICE - 1) yield;
      if (entry.vanishedS !== null || this.#listed.has(at)) continue;
      this.#set(at, { ...entry, vanishedS: this.#nowS });
      this.#vanished.push(entry.episode);
    }
  }

  /** Lets the newest of what passes through; what was wanted before stays wanted. */
  *filter(): Generator<void, void> {
    const { episodesMax } = this.#options;
    const candidates = yield* this.#candidates();
    const max = episodesMax ?? candidates.length;
    // Without a limit there is nothing to order.
    if (candidates.length > max) candidates.sort(newestFirst);
    yield;
    for (const { at, item } of candidates.slice(0, max)) {
      const entry = this.#entries[at];
      if (entry?.isFiltered !== true) continue;
      this.#set(at, { ...entry, isFiltered: false });
      if (!this.#fresh.has(at)) this.#admitted.push({ episode: entry.episode, item });
    }
  }

  *done(): Generator<void, FoldedLedger> {
    const fresh = [...this.#fresh];
    const isOut = ([at]: readonly [number, NewEpisode]) => this.#entries[at]?.isFiltered === true;
    const counts = ledgerCounts(this.#entries);
    yield;
    const listed = new Map<EpisodeId, FeedItem>();
    for (const [at, { item }] of this.#listed) listed.set(this.#entry(at).episode, item);
    yield;
    return {
      entries: this.#entries,
      dirty: [...this.#dirty].sort((a, b) => a - b),
      fresh: fresh.filter((one) => !isOut(one)).map(([, episode]) => episode),
      filtered: fresh.filter(isOut).map(([, episode]) => episode),
      admitted: this.#admitted,
      changed: this.#changed,
      vanished: this.#vanished,
      returned: this.#returned,
      audioChanged: this.#audioChanged,
      putOff: this.#putOff,
      restatedLater: this.#restatedLater,
      listed,
      counts,
    };
  }

  #known(at: number, alias: EpisodeId | null, item: FeedItem, marks: ItemMarks): void {
    const entry = this.#entry(at);
    const { episode } = entry;
    this.#listed.set(at, { item, place: this.#listed.size });
    const told = relisted(entry, alias, marks);
    if (told.isReturned) this.#returned.push(episode);
    if (told.isAudioNew) this.#audioChanged.push(episode);
    if (told.entry !== entry) this.#set(at, told.entry);
    const { isUrlNew, isAliasNew, isFactNew } = told;
    const key = isAliasNew ? (item.guid ?? marks.urlKey) : null;
    if (isUrlNew || isAliasNew) this.#change({ at, item, marks }, { isUrlNew, alias: key });
    else if (isFactNew) this.#restated.push({ at, item, marks });
  }

  #change({ at, item, marks }: Restated, what: { isUrlNew: boolean; alias: string | null }): void {
    const entry = restated(this.#entry(at), marks);
    this.#set(at, entry);
    const isUrlRestless = marks.isSigned || isRestless(entry);
    this.#changed.push({ ...what, episode: entry.episode, item, isRestless: isUrlRestless });
  }

  #add(by: 'guid' | 'url' | 'double', item: FeedItem, marks: ItemMarks): void {
    const at = this.#entries.length;
    if (at >= LEDGER_ENTRIES_MAX) {
      this.#putOff += 1;
      return;
    }
    const { guidId, urlId, urlKey, isSigned, ...audio } = marks;
    const isByGuid = by === 'guid' && guidId !== null && item.guid !== null;
    const episode = isByGuid ? guidId : urlId;
    const key = isByGuid ? item.guid : urlKey;
    const entry: LedgerEntry = {
      ...audio,
      episode,
      origin: by,
      aliases: [],
      vanishedS: null,
      moves: 0,
      isRewritten: false,
      audioChanges: 0,
      factMoves: 0,
      // Until the filter has looked at it.
      isFiltered: true,
    };
    this.#set(at, entry);
    this.#listed.set(at, { item, place: this.#listed.size });
    this.#fresh.set(at, { episode, key, item, isRestless: isSigned });
  }

  /** What passes: all that is listed, wanted already or not, and what was kept back and is not listed any more. */
  *#candidates(): Generator<void, Candidate[]> {
    const { passes, kept } = this.#options;
    const candidates: Candidate[] = [];
    let looked = 0;
    for (const [at, entry] of this.#entries.entries()) {
      const { item = null, place = Number.POSITIVE_INFINITY } = this.#listed.get(at) ?? {};
      const facts = item ?? (entry.isFiltered ? kept?.get(entry.episode) : undefined);
      if (facts === undefined) continue;
      // What is wanted stays so: it is only counted.
      const isIn = !entry.isFiltered || passes(facts);
      if (isIn) candidates.push({ at, item, dateS: entry.dateS, place });
      if (++looked % FILTER_SLICE === 0) yield;
    }
    return candidates;
  }

  #entry(at: number): LedgerEntry {
    const entry = this.#entries[at];
    if (entry === undefined) throw new Error('broken invariant: an entry of the ledger');
    return entry;
  }

  #set(at: number, entry: LedgerEntry): void {
    this.#entries[at] = entry;
    this.#dirty.add(at);
  }
}

/** In the feed's order where dates do not tell: newest first is how feeds are written. */
function newestFirst(a: Candidate, b: Candidate): number {
  return (b.dateS ?? 0) - (a.dateS ?? 0) || (a.place < b.place ? -1 : 1);
}
