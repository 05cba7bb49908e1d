import type { EpisodeId } from '../ids.ts';
import { type AudioMarks, type ItemMarks, isOtherAudio, isSameAudio } from './audio-identity.ts';
import type { LedgerEntry } from './ledger-entry.ts';

/** What an item of a document is. */
export type Match =
  /** `alias`: the item's key, where the entry was not known by it. */
  | { readonly kind: 'known'; readonly at: number; readonly alias: EpisodeId | null }
  | { readonly kind: 'fresh'; readonly by: 'guid' | 'url' | 'double' }
  /** The same audio once more in one document. */
  | { readonly kind: 'repeat' }
  /** It may be known audio under a new key, and the document is not whole: the next whole one tells. */
  | { readonly kind: 'put_off' };

/** Items looked at between two rests. */
const SLICE = 200;
/** Entries put into an index, or looked through, between two rests. */
const INDEX_SLICE = 2_000;

/**
 * Says for each item of a document which entry it is. An entry is one item's at most. In this order:
 * by its key where the URL is the entry's too; by its key where the URL is another now; by its audio where the key was
 * never seen, and one entry alone that the document does not list otherwise has that audio, and no other item has it.
 *
 * A GUID that several items of a document have belongs to the one whose URL is the known one, else to the first; the
 * others are known by their URLs. A generator, so that who runs it can let others run between its slices.
 */
export function* matchItems(
  entries: readonly LedgerEntry[],
  items: readonly ItemMarks[],
  isWhole: boolean,
): Generator<void, readonly Match[]> {
  const matcher = new Matcher(entries, items);
  yield* matcher.index();
  yield* matcher.each((at) => matcher.byKeyAndUrl(at));
  yield* matcher.each((at) => matcher.byKey(at));
  yield* matcher.byAudio(isWhole);
  yield* matcher.each((at) => matcher.asFresh(at));
  return matcher.matches();
}

class Matcher {
  readonly #entries: readonly LedgerEntry[];
  readonly #items: readonly ItemMarks[];
  readonly #byId = new Map<EpisodeId, number>();
  /** Which item an entry is. */
  readonly #claims = new Map<number, number>();
  /** Keys of this document that are taken by fresh items. */
  readonly #taken = new Map<EpisodeId, number>();
  readonly #found: (Match | null)[];

  constructor(entries: readonly LedgerEntry[], items: readonly ItemMarks[]) {
    this.#entries = entries;
    this.#items = items;
    this.#found = items.map(() => null);
  }

  *index(): Generator<void, void> {
    for (const [at, { episode, aliases }] of this.#entries.entries()) {
      for (const id of aliases) if (!this.#byId.has(id)) this.#byId.set(id, at);
      this.#byId.set(episode, at);
      if (at % INDEX_SLICE === INDEX_SLICE - 1) yield;
    }
  }

  /** Looks at what no pass before has told. */
  *each(look: (at: number) => void): Generator<void, void> {
    for (const at of this.#items.keys()) {
      if (this.#isOpen(at)) look(at);
      if (at % SLICE === SLICE - 1) yield;
    }
  }

  matches(): readonly Match[] {
    return this.#found.map((match) => match ?? { kind: 'repeat' });
  }

  byKeyAndUrl(at: number): void {
    const item = this.#item(at);
    const entry = this.#byId.get(item.guidId ?? item.urlId);
    if (entry === undefined || this.#entries[entry]?.url !== item.url) return;
    if (this.#claims.has(entry)) this.#found[at] = { kind: 'repeat' };
    else this.#claim(at, entry, null);
  }

  byKey(at: number): void {
    const { guidId, urlId } = this.#item(at);
    const byUrl = this.#byId.get(urlId) ?? null;
    if (guidId === null) {
      if (byUrl !== null) this.#claimOrRepeat(at, byUrl);
      return;
    }
    const byGuid = this.#byId.get(guidId) ?? null;
    if (byUrl !== null && this.#isFreeDouble(byUrl)) this.#claim(at, byUrl, null);
    // What had no GUID until now has one: from here on it is known by both.
    else if (byGuid === null && byUrl !== null && this.#isFreeWithoutGuid(byUrl))
      this.#claim(at, byUrl, guidId);
    else if (byGuid !== null) this.#byGuid(at, byGuid, byUrl);
  }

  #byGuid(at: number, byGuid: number, byUrl: number | null): void {
    if (!this.#claims.has(byGuid)) this.#claim(at, byGuid, null);
    else if (this.#isRepeat(at, this.#claims.get(byGuid))) this.#found[at] = { kind: 'repeat' };
    else if (byUrl !== null) this.#claimOrRepeat(at, byUrl);
  }

  /** Only what the document does not list by its key can be meant by a key that nobody knows. */
  *byAudio(isWhole: boolean): Generator<void, void> {
    const open = [...this.#items.keys()].filter((at) => this.#isOpen(at));
    if (open.length === 0 || this.#claims.size === this.#entries.length) return;
    // The URL tells apart what has one title, date and length.
    yield* this.#pairs(open, ({ url }) => url, 'pair');
    const rest = open.filter((at) => this.#isOpen(at));
    const byTitle = ({ title, dateS }: AudioMarks) => `${title} ${dateS}`;
    yield* this.#pairs(rest, byTitle, isWhole ? 'pair' : 'put_off');
  }

  *#pairs(
    open: readonly number[],
    bucketOf: (marks: AudioMarks) => string,
    then: 'pair' | 'put_off',
  ): Generator<void, void> {
    const buckets = yield* this.#buckets(bucketOf);
    const wanted = new Map<number, number[]>();
    for (const [n, at] of open.entries()) {
      const item = this.#item(at);
      const only = this.#onlySame(buckets.get(bucketOf(item)) ?? [], item);
      if (only !== null) wanted.set(only, [...(wanted.get(only) ?? []).slice(0, 1), at]);
      if (n % SLICE === SLICE - 1) yield;
    }
    for (const [entry, [at, ...others]] of wanted)
      if (at !== undefined && others.length === 0) this.#pair(at, entry, then);
  }

  #pair(at: number, entry: number, then: 'pair' | 'put_off'): void {
    if (then === 'put_off') this.#found[at] = { kind: 'put_off' };
    else this.#claim(at, entry, this.#keyOf(at));
  }

  /** The entries that are no item of this document yet. */
  *#buckets(bucketOf: (marks: AudioMarks) => string): Generator<void, Map<string, number[]>> {
    const buckets = new Map<string, number[]>();
    for (const [at, entry] of this.#entries.entries()) {
      if (at % INDEX_SLICE === INDEX_SLICE - 1) yield;
      if (this.#claims.has(at)) continue;
      const bucket = bucketOf(entry);
      const others = buckets.get(bucket);
      if (others === undefined) buckets.set(bucket, [at]);
      else others.push(at);
    }
    return buckets;
  }

  /** Where many are alike nothing is told apart by it. */
  #onlySame(entries: readonly number[], item: ItemMarks): number | null {
    if (entries.length > CANDIDATES_MAX) return null;
    const [only, ...others] = entries.filter((entry) => this.#isSame(entry, item));
    return only !== undefined && others.length === 0 ? only : null;
  }

  /** A key that nobody knows, and audio that nobody knows. */
  asFresh(at: number): void {
    const { guidId, urlId } = this.#item(at);
    const isKnown = guidId !== null && this.#byId.has(guidId);
    const first = guidId === null ? undefined : this.#taken.get(guidId);
    if (guidId !== null && !isKnown && first === undefined) {
      this.#taken.set(guidId, at);
      this.#found[at] = { kind: 'fresh', by: 'guid' };
      return;
    }
    const isSameAgain = first !== undefined && this.#isRepeat(at, first);
    const isTaken = this.#byId.has(urlId) || this.#taken.has(urlId);
    if (isSameAgain || isTaken) this.#found[at] = { kind: 'repeat' };
    else {
      this.#taken.set(urlId, at);
      this.#found[at] = { kind: 'fresh', by: guidId === null ? 'url' : 'double' };
    }
  }

  #isOpen(item: number): boolean {
    return this.#found[item] === null;
  }

  #claim(at: number, entry: number, alias: EpisodeId | null): void {
    this.#claims.set(entry, at);
    this.#found[at] = { kind: 'known', at: entry, alias };
    if (alias !== null) this.#byId.set(alias, entry);
  }

  #claimOrRepeat(at: number, entry: number): void {
    if (this.#claims.has(entry)) this.#found[at] = { kind: 'repeat' };
    else this.#claim(at, entry, null);
  }

  /** Under one GUID in one document: the same title and date, and nothing that speaks against it. */
  #isRepeat(at: number, other: number | undefined): boolean {
    if (other === undefined) return false;
    const [a, b] = [this.#item(at), this.#item(other)];
    return a.title === b.title && a.dateS === b.dateS && !isOtherAudio(a, b);
  }

  #isFreeDouble(entry: number): boolean {
    return this.#entries[entry]?.origin === 'double' && !this.#claims.has(entry);
  }

  #isFreeWithoutGuid(entry: number): boolean {
    const known = this.#entries[entry];
    const isUnbound = known?.origin === 'url' && known.aliases.length === 0;
    return isUnbound && !this.#claims.has(entry);
  }

  #isSame(entry: number, item: ItemMarks): boolean {
    const known = this.#entries[entry];
    return known !== undefined && !this.#claims.has(entry) && isSameAudio(known, item);
  }

  #keyOf(at: number): EpisodeId {
    const { guidId, urlId } = this.#item(at);
    return guidId ?? urlId;
  }

  #item(at: number): ItemMarks {
    const item = this.#items[at];
    if (item === undefined) throw new Error('broken invariant: an item of the document');
    return item;
  }
}

/** Entries of one title and date, or of one URL, that are compared with an item: a feed of one URL has as many as items. */
const CANDIDATES_MAX = 50;
