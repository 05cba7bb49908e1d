import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type EpisodeMeta, episodeMetaOf } from '@podctl/domain/episode-meta.ts';
import { newEpisode } from '@podctl/domain/episode-state.ts';
import type { FeedDocument, FeedItem } from '@podctl/domain/feed/feed-document.ts';
import {
  type ChangedEpisode,
  type FoldedLedger,
  foldLedger,
  isWholeDocument,
  type NewEpisode,
} from '@podctl/domain/feed/ledger.ts';
import type { LedgerEntry } from '@podctl/domain/feed/ledger-entry.ts';
import { restatedMeta } from '@podctl/domain/feed/restated-meta.ts';
import { choicesOf, type FeedLedger, type FeedRecord } from '@podctl/domain/feed-record.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { jobKey } from '@podctl/domain/key.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { episodeHosts, noteEpisodeHosts } from '../core/episode-hosts.ts';
import { type EpisodeRow, episodeRow, type Snapshot } from '../core/snapshot.ts';
import { madeReady } from './episode-gate.ts';
import {
  entryFromMeta,
  readLedger,
  readMetas,
  type StoredLedger,
  sha256,
  writeLedger,
} from './feed-ledger.ts';
import type { FreshUrls } from './fresh-urls.ts';
import type { Replica } from './replica.ts';
import type { Store } from './store.ts';
import { noteVanished } from './vanished-episodes.ts';

export interface FeedFoldOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly replica: Replica;
  /** Who waits for URLs that are others at each reading; absent: nobody. */
  readonly urls?: Pick<FreshUrls, 'isWanted' | 'note'> | undefined;
  /** Known episodes of which facts alone are others, that one fold takes; RESTATED_MAX unless told. */
  readonly restatedMax?: number | undefined;
}

export interface FoldedFeed {
  /** Claimed by its generation where anything was to be written; else as it was. */
  readonly record: FeedRecord;
  readonly revision: number;
  /** Episodes that the document lists. */
  readonly listed: number;
  /** Episodes that are wanted from now on. */
  readonly fresh: number;
  /** To be kept in the record, once all else is written. */
  readonly ledger: FeedLedger;
  /** Something was left for the next fold, which therefore must get the document again. */
  readonly isUnfinished: boolean;
}

const AT_ONCE = 64;
/** A slice of the fold may begin until then; what else waits comes between. */
const SLICE_MS = 10;
/** The request id under which the first runs of an episode are wanted. */
const FIRST_REQUEST = 'poll';
/** Episodes whose download went wrong that are looked at in one fold. */
const FAILED_LOOKED_AT_MAX = 500;

/** What there is to be written. */
interface Work extends FoldedLedger {
  readonly stored: StoredLedger;
  /** Places in the ledger that are others now, or were in none. */
  readonly places: ReadonlySet<number>;
  /** Known to the ledger as wanted, and without a state: a restore of two moments, or a crash. */
  readonly lost: readonly EpisodeId[];
  /** Listed with another URL than the one at which their download failed. */
  readonly stale: readonly { readonly episode: EpisodeId; readonly item: FeedItem }[];
}

/**
 * Writes what a document adds to a feed's ledger: first what is known of the new episodes, then their states, then what is
 * another of those known, then the parts of the ledger that changed. Cut off anywhere, the next fold finds what is missing.
 * What changed nothing writes nothing. Leader only.
 */
export class FeedFold {
  readonly #options: FeedFoldOptions;

  constructor(options: FeedFoldOptions) {
    this.#options = options;
  }

  /** Null when another poller folds it. Rejects when something could not be written. */
  async fold(
    record: FeedRecord,
    revision: number,
    document: FeedDocument,
  ): Promise<FoldedFeed | null> {
    const gate = madeReady(choicesOf(record).filter);
    const digest = await this.#run(digestOf(document, gate.name));
    const { ledger, feed } = record;
    const { urls } = this.#options;
    const isUrlWanted = urls?.isWanted(feed) === true;
    const { snapshot } = this.#options.replica;
    // The same items under the same filter: all of it is done, but for what a leader has to see once.
    const isSeen = !isUrlWanted && !hasUnseenHosts(record, snapshot);
    if (ledger?.digest === digest && isSeen)
      return { record, revision, listed: record.listed, fresh: 0, ledger, isUnfinished: false };
    const work = await this.#workOf(record, document, gate);
    if (isUrlWanted) urls?.note(feed, work.listed);
    noteVanished(snapshot, feed, work.entries);
    const hosts = await this.#run(episodeHosts(work.listed));
    noteEpisodeHosts(snapshot, feed, hosts);
    const isUnfinished = work.restatedLater > 0;
    const isAll = work.putOff === 0 && !isUnfinished;
    const after = {
      ...work.counts,
      digest: isAll ? digest : '',
      filter: gate.name,
      hosts: hosts?.count,
    };
    const folded = {
      listed: work.listed.size,
      fresh: work.fresh.length + work.admitted.length,
      ledger: after,
      isUnfinished,
    };
    if (!hasWork(work)) return { record, revision, ...folded };
    // By this CAS we fold alone: another poller that read the same feed comes second here, and leaves.
    const { store } = this.#options;
    const title = document.title || record.title;
    const claimed = { ...record, generation: record.generation + 1, title };
    const claim = await store.casFeed({ ...claimed, nonce: store.newNonce() }, revision);
    if (claim.kind !== 'written') return null;
    await this.#write(claimed, work);
    return { record: claimed, revision: claim.revision, ...folded };
  }

  async #workOf(
    record: FeedRecord,
    document: FeedDocument,
    gate: ReturnType<typeof madeReady>,
  ): Promise<Work> {
    const { store, replica, clock, restatedMax } = this.#options;
    const { feed } = record;
    const stored = await readLedger(store, feed);
    const before = await this.#withUnlisted(feed, stored.entries);
    const isFilterNew = record.ledger !== undefined && record.ledger.filter !== gate.name;
    const kept = isFilterNew ? await this.#kept(feed, before) : undefined;
    const { passes, episodesMax } = gate;
    const nowMs = clock.wallMs();
    const turn = record.generation;
    const options = { feed, nowMs, sha256, passes, episodesMax, kept, turn, restatedMax };
    const folded = await this.#run(foldLedger(before, document, options));
    const places = new Set(folded.dirty);
    for (let at = stored.entries.length; at < folded.entries.length; at += 1) places.add(at);
    const written = new Set([...folded.fresh, ...folded.admitted].map(({ episode }) => episode));
    const { feeds, unreadable } = replica.snapshot;
    const rows = feeds.get(feed)?.episodes;
    const isThere = (episode: EpisodeId) =>
      rows?.has(episode) === true || written.has(episode) || unreadable.has(jobKey(feed, episode));
    const lost = folded.entries
      .filter(({ episode, isFiltered }) => !isFiltered && !isThere(episode))
      .map(({ episode }) => episode);
    const stale = await this.#stale(feed, folded);
    return { ...folded, stored, places, lost, stale };
  }

  /** The ledger with the episodes that are known and in none yet. */
  async #withUnlisted(
    feed: FeedId,
    entries: readonly LedgerEntry[],
  ): Promise<readonly LedgerEntry[]> {
    const rows = this.#options.replica.snapshot.feeds.get(feed)?.episodes;
    if (rows === undefined) return entries;
    const known = new Set(entries.map(({ episode }) => episode));
    const unlisted = [...rows.keys()].filter((episode) => !known.has(episode));
    if (unlisted.length === 0) return entries;
    const metas = await readMetas(this.#options.store, feed, unlisted);
    return [...entries, ...[...metas].map(([id, meta]) => entryFromMeta(feed, id, meta))];
  }

  async #kept(feed: FeedId, entries: readonly LedgerEntry[]) {
    const filtered = entries.filter(({ isFiltered }) => isFiltered);
    const ids = filtered.map(({ episode }) => episode);
    const metas = await readMetas(this.#options.store, feed, ids);
    return new Map([...metas].map(([episode, meta]) => [episode, factsOf(meta)] as const));
  }

  /** A URL that expired is another in the document; of those that do not fail nothing need be written. */
  async #stale(feed: FeedId, { listed, changed }: FoldedLedger) {
    const { snapshot } = this.#options.replica;
    const { retrying = 0, dead = 0 } = snapshot.feeds.get(feed)?.tally ?? {};
    if (retrying + dead === 0) return [];
    const told = new Set(changed.filter((one) => one.isUrlNew).map(({ episode }) => episode));
    const failed: { episode: EpisodeId; item: FeedItem }[] = [];
    for (const [episode, item] of listed) {
      if (failed.length >= FAILED_LOOKED_AT_MAX) break;
      if (!told.has(episode) && isFailedDownload(episodeRow(snapshot, feed, episode)))
        failed.push({ episode, item });
    }
    const ids = failed.map(({ episode }) => episode);
    const metas = await readMetas(this.#options.store, feed, ids);
    return failed.filter(({ episode, item }) => metas.get(episode)?.url !== item.enclosureUrl);
  }

  async #write(record: FeedRecord, work: Work): Promise<void> {
    const { store } = this.#options;
    const { feed } = record;
    await each(work.fresh, (one) => this.#create(record, one));
    await each(work.filtered, ({ episode, key, item, isRestless }) =>
      store.putMeta(feed, episode, newMeta(record, key, item, isRestless)),
    );
    // What is known of them was written when they were first seen.
    const wanted = [...work.admitted.map(({ episode }) => episode), ...work.lost];
    await each(wanted, (episode) => this.#want(record, episode, work.listed.get(episode) ?? null));
    await each(work.changed, (one) => this.#change(feed, one));
    await each(work.stale, ({ episode, item }) => this.#renewUrl(record, episode, item));
    await writeLedger(store, feed, work.stored, work.entries, work.places);
  }

  async #create(record: FeedRecord, { episode, key, item, isRestless }: NewEpisode): Promise<void> {
    // First what is known, then the state: a job whose URL nobody knows could not be told to an agent.
    await this.#options.store.putMeta(record.feed, episode, newMeta(record, key, item, isRestless));
    await this.#createState(record.feed, episode);
  }

  async #want(record: FeedRecord, episode: EpisodeId, item: FeedItem | null): Promise<void> {
    const { store } = this.#options;
    const meta = await store.readMeta(record.feed, episode);
    if (meta === null && item === null) return;
    if (meta === null && item !== null)
      await store.putMeta(record.feed, episode, newMeta(record, item.key, item, false));
    await this.#createState(record.feed, episode);
  }

  async #createState(feed: FeedId, episode: EpisodeId): Promise<void> {
    const { store } = this.#options;
    const state = newEpisode(store.cluster(), store.newNonce(), FIRST_REQUEST);
    const written = await store.createEpisode(feed, episode, state);
    if (written.kind === 'unknown') throw written.cause;
  }

  async #change(feed: FeedId, changed: ChangedEpisode): Promise<void> {
    const { store, replica } = this.#options;
    const { episode } = changed;
    const meta = await store.readMeta(feed, episode);
    if (meta === null) return;
    const row = episodeRow(replica.snapshot, feed, episode);
    const isNamed = row !== null && row.state.stages.download.done !== null;
    const after = restatedMeta(meta, changed, isNamed);
    // Of a ledger of an older version it was not known whether anything is another.
    if (!isSameMeta(meta, after)) await store.putMeta(feed, episode, after);
  }

  async #renewUrl({ feed }: FeedRecord, episode: EpisodeId, item: FeedItem): Promise<void> {
    const { store } = this.#options;
    const meta = await store.readMeta(feed, episode);
    if (meta !== null) await store.putMeta(feed, episode, { ...meta, url: item.enclosureUrl });
  }

  /** To the end, letting others run in between. */
  async #run<T>(steps: Generator<void, T>): Promise<T> {
    const { clock } = this.#options;
    let beganMs = clock.monotonicMs();
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (clock.monotonicMs() - beganMs < SLICE_MS) continue;
      await new Promise((resolve) => setImmediate(resolve));
      beganMs = clock.monotonicMs();
    }
  }
}

/** A feed at several hosts, of which this leader does not know yet which episode is where. */
export function hasUnseenHosts({ feed, ledger }: FeedRecord, { episodeHosts: known }: Snapshot) {
  return (ledger?.hosts ?? 1) > 1 && !known.has(feed);
}

function hasWork(work: Work): boolean {
  return (
    work.places.size > 0 ||
    work.fresh.length > 0 ||
    work.filtered.length > 0 ||
    work.admitted.length > 0 ||
    work.changed.length > 0 ||
    work.lost.length > 0 ||
    work.stale.length > 0
  );
}

/** Names what a fold would be made of. */
function* digestOf(document: FeedDocument, filter: string): Generator<void, string> {
  const hash = createHash('sha256').update(`${filter}\n${isWholeDocument(document)}\n`);
  for (const [n, item] of document.items.entries()) {
    // Every fact counts: what a feed adds to an old episode is to be kept as well.
    hash.update(JSON.stringify(item));
    if (n % AT_ONCE === AT_ONCE - 1) yield;
  }
  return hash.digest('base64url');
}

function isFailedDownload(row: EpisodeRow | null): boolean {
  const download = row?.state.stages.download;
  if (download === undefined || download.done !== null) return false;
  const { lock } = download;
  return (lock.state === 'free' && lock.failures > 0) || lock.state === 'dead';
}

function newMeta(
  record: FeedRecord,
  key: string,
  item: FeedItem,
  isRestless: boolean,
): EpisodeMeta {
  const meta = episodeMetaOf(record.title ?? record.feed, item);
  return { ...meta, key, ...(isRestless ? { isUrlRestless: true } : {}) };
}

/** What a filter looks at, of an episode that is not listed any more. */
function factsOf({
  title,
  publishedMs,
  durationSecondsEstimate,
  season,
  episodeType,
}: EpisodeMeta) {
  return {
    ...{ title, publishedMs, durationSecondsEstimate },
    season: season ?? null,
    episodeType: episodeType ?? ('full' as const),
  };
}

function isSameMeta(a: EpisodeMeta, b: EpisodeMeta): boolean {
  return isDeepStrictEqual(written(a), written(b));
}

/** As it is kept: without what is not there. */
function written(meta: EpisodeMeta): unknown {
  return JSON.parse(JSON.stringify(meta));
}

async function each<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < all.length; i += AT_ONCE)
    await Promise.all(all.slice(i, i + AT_ONCE).map(work));
}
