import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EpisodeId, FeedId } from '../ids.ts';
import type { FeedDocument, FeedItem } from './feed-document.ts';
import { foldAtOnce } from './ledger.ts';
import { ALIASES_MAX, type LedgerEntry, RESTLESS_MOVES } from './ledger-entry.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest();
const FEED = 'show' as FeedId;
const DAY_MS = 86_400_000;
/** Beside the key that a moved URL and a dropped GUID may give. */
const REISSUES_MAX = ALIASES_MAX - 5;

/** What an audio truly is, and how the feed tells of it now. */
interface Audio {
  readonly id: number;
  guid: string | null;
  readonly hasUnknownSignature: boolean;
  path: string;
  title: string;
  readonly publishedMs: number | null;
  readonly lengthBytes: number | null;
  readonly durationSecondsEstimate: number | null;
  isListed: boolean;
  /** Beyond the ledger's limits on what it writes down, it is known by its key alone. */
  moves: number;
  reissues: number;
}

type Step =
  | { readonly kind: 'publish'; readonly like: number; readonly bits: number }
  | {
      readonly kind: 'reissue' | 'retitle' | 'move' | 'drop_guid' | 'give_guid' | 'hide' | 'show';
      readonly at: number;
    }
  | { readonly kind: 'reissue_all' | 'sign' | 'reverse' | 'empty' | 'double' | 'show_all' }
  | { readonly kind: 'truncate' | 'shrink'; readonly to: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      like: fc.nat(5),
      bits: fc.nat(31),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('reissue', 'retitle', 'move', 'drop_guid', 'give_guid', 'hide', 'show'),
      at: fc.nat(11),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('reissue_all', 'sign', 'reverse', 'empty', 'double', 'show_all'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('truncate', 'shrink'), to: fc.nat(6) }),
  },
);

/** A publisher and its host, who know which audio is which. */
class Publisher {
  readonly audios: Audio[] = [];
  #count = 0;
  #signature = 0;
  #isReversed = false;

  /** Documents that this step has the poller read, each after the other. */
  take(step: Step): FeedDocument[] {
    switch (step.kind) {
      case 'publish':
        this.#publish(step.like, step.bits);
        break;
      case 'reissue_all':
        for (const audio of this.audios) this.#reissue(audio);
        break;
      case 'sign':
        this.#signature += 1;
        break;
      case 'reverse':
        this.#isReversed = !this.#isReversed;
        break;
      case 'show_all':
        for (const audio of this.audios) audio.isListed = true;
        break;
      case 'empty':
        return [document([]), this.whole()];
      case 'double':
        return [document([...this.items(), ...this.items()]), this.whole()];
      case 'truncate':
        return [{ ...document(this.items().slice(0, step.to)), isPartial: true }, this.whole()];
      case 'shrink':
        for (const [n, audio] of this.audios.entries()) audio.isListed = n < step.to;
        break;
      default:
        this.#change(step.kind, this.audios[step.at % Math.max(1, this.audios.length)]);
    }
    return [this.whole()];
  }

  items(): FeedItem[] {
    const listed = this.audios.filter(({ isListed }) => isListed).map((one) => this.#item(one));
    return this.#isReversed ? listed.reverse() : listed;
  }

  whole(): FeedDocument {
    return document(this.items());
  }

  #publish(like: number, bits: number): void {
    const id = this.audios.length;
    const has = (bit: number) => (bits & (1 << bit)) !== 0;
    const isKnownEnough = has(1) && has(2);
    this.audios.push({
      id,
      guid: has(0) ? `g${this.#next()}` : null,
      // An unknown signature on what has no date, length and GUID leaves nothing to know it by.
      hasUnknownSignature: has(0) && isKnownEnough && has(4),
      path: `/${id}.mp3`,
      // The same title again and again, in scripts that the replaced system folded into nothing.
      title: ['Новости', 'ニュース', 'News', '', 'Part 1', '!!!'][like] ?? 'News',
      publishedMs: has(1) ? DAY_MS * (1 + (like % 2)) : null,
      lengthBytes: has(2) ? 1_000_000 + id : null,
      durationSecondsEstimate: has(3) ? 600 + id : null,
      isListed: true,
      moves: 0,
      reissues: 0,
    });
  }

  #change(kind: Step['kind'], audio: Audio | undefined): void {
    if (audio === undefined) return;
    if (kind === 'hide' || kind === 'show') audio.isListed = kind === 'show';
    // What is not listed is not worked on.
    if (!audio.isListed) return;
    if (kind === 'reissue') this.#reissue(audio);
    if (kind === 'retitle') audio.title = `Title ${this.#next()}`;
    if (kind === 'give_guid') audio.guid ??= `g${this.#next()}`;
    if (kind === 'move') this.#move(audio);
    if (kind === 'drop_guid' && this.#isKnownByTitle(audio) && !audio.hasUnknownSignature)
      audio.guid = null;
  }

  /** Without a GUID a moved file is known by title, date and length alone. */
  #move(audio: Audio): void {
    if (audio.moves >= RESTLESS_MOVES) return;
    if (audio.guid === null && !this.#isKnownByTitle(audio)) return;
    audio.path = `/moved/${this.#next()}.mp3`;
    audio.moves += 1;
  }

  #reissue(audio: Audio): void {
    const isKnown =
      audio.title !== '' || (audio.publishedMs !== null && audio.lengthBytes !== null);
    if (audio.guid === null || !audio.isListed || !isKnown) return;
    if (audio.hasUnknownSignature && !this.#isKnownByTitle(audio)) return;
    if (audio.reissues >= REISSUES_MAX) return;
    audio.reissues += 1;
    audio.guid = `g${this.#next()}`;
  }

  #isKnownByTitle({ title, publishedMs, lengthBytes }: Audio): boolean {
    return title !== '' && publishedMs !== null && lengthBytes !== null;
  }

  #item(audio: Audio): FeedItem {
    const unknown = audio.hasUnknownSignature ? `&h=${this.#signature}` : '';
    const url = `https://host.test${audio.path}?id=${audio.id}${unknown}&Expires=${this.#signature}`;
    const { guid, title, publishedMs, lengthBytes, durationSecondsEstimate } = audio;
    const item: FeedItem = {
      ...{ guid, title, publishedMs, lengthBytes, durationSecondsEstimate },
      key: guid ?? url,
      enclosureUrl: url,
      enclosureType: null,
      season: null,
      episodeNumber: null,
      episodeType: 'full',
    };
    truth.set(item, audio.id);
    return item;
  }

  #next(): number {
    this.#count += 1;
    return this.#count;
  }
}

const truth = new WeakMap<FeedItem, number>();

function document(items: readonly FeedItem[]): FeedDocument {
  const none = { problems: [], nextPageUrl: null, selfUrl: null, newFeedUrl: null };
  return { title: '', items, itemsSeen: items.length, ...none };
}

/** The poller's part: folds, and remembers which audio it took for which episode. */
class Poller {
  entries: readonly LedgerEntry[] = [];
  readonly episodes = new Map<number, EpisodeId>();
  #nowMs = DAY_MS * 1_000;

  poll(read: FeedDocument) {
    this.#nowMs += 3_600_000;
    const options = {
      feed: FEED,
      nowMs: this.#nowMs,
      sha256,
      passes: () => true,
      episodesMax: null,
    };
    const folded = foldAtOnce(this.entries, read, options);
    expect(folded.entries.length).toBeGreaterThanOrEqual(this.entries.length);
    for (const [at, before] of this.entries.entries())
      expect(folded.entries[at]?.episode).toBe(before.episode);
    this.entries = folded.entries;
    for (const [episode, item] of folded.listed) {
      const audio = truth.get(item) ?? -1;
      // Never double, never another one than before.
      expect(this.episodes.get(audio) ?? episode).toBe(episode);
      this.episodes.set(audio, episode);
    }
    return { folded, options };
  }
}

test('whatever a feed does, no episode is lost, doubled or merged with another', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) => {
      const publisher = new Publisher();
      const poller = new Poller();
      for (const one of steps) {
        for (const read of publisher.take(one)) {
          const { folded, options } = poller.poll(read);
          const ids = folded.entries.map(({ episode }) => episode);
          expect(new Set(ids).size).toBe(ids.length);
          // One entry for each audio that was ever listed, no two audios with one.
          expect(new Set(poller.episodes.values()).size).toBe(poller.episodes.size);
          expect(folded.entries.length).toBe(poller.episodes.size);
          // The same document again changes nothing.
          const again = foldAtOnce(folded.entries, read, options);
          expect([again.dirty, again.fresh, again.changed, again.vanished]).toEqual([
            [],
            [],
            [],
            [],
          ]);
        }
        const listed = publisher.audios.filter(({ isListed }) => isListed);
        if (listed.length === 0) continue;
        const shown = poller.entries.filter(({ vanishedS }) => vanishedS === null);
        expect(new Set(shown.map(({ episode }) => episode))).toEqual(
          new Set(listed.map(({ id }) => poller.episodes.get(id))),
        );
      }
    }),
    { numRuns: 300 },
  );
});

test('URLs that are signed anew at each reading are written once at most', () => {
  const kinds = fc.array(fc.nat(31), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(kinds, (bits) => {
      const publisher = new Publisher();
      const poller = new Poller();
      for (const [like, one] of bits.entries())
        publisher.take({ kind: 'publish', like: like % 6, bits: one });
      poller.poll(publisher.whole());
      const [first] = publisher.take({ kind: 'sign' });
      if (first !== undefined) poller.poll(first);
      for (let n = 0; n < 5; n += 1) {
        for (const read of publisher.take({ kind: 'sign' })) {
          const { folded } = poller.poll(read);
          expect([folded.dirty, folded.changed, folded.fresh]).toEqual([[], [], []]);
        }
      }
      expect(poller.entries.every(({ moves }) => moves <= RESTLESS_MOVES)).toBe(true);
    }),
    { numRuns: 100 },
  );
});
