import { createHash } from 'node:crypto';
import type { EpisodeMeta } from '@podctl/domain/episode-meta.ts';
import { audioMarks, idOfKey } from '@podctl/domain/feed/audio-identity.ts';
import { NO_FACTS } from '@podctl/domain/feed/fact-marks.ts';
import { CHUNK_ENTRIES, type LedgerEntry } from '@podctl/domain/feed/ledger-entry.ts';
import { enclosureKey } from '@podctl/domain/feed/tracking.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import type { Store } from './store.ts';

/** A feed's ledger as it was read, with what a write of its parts must expect. */
export interface StoredLedger {
  readonly entries: readonly LedgerEntry[];
  /** Of each part; 0 for one that is not there. */
  readonly revisions: readonly number[];
}

const PARTS_AT_ONCE = 8;
const METAS_AT_ONCE = 64;
/** Of the most entries that a ledger holds, and more. */
const PARTS_MAX = 1_000;

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Reads a feed's ledger to its end: the first part that is not there. Rejects when NATS is away, or with UnreadableValue. */
export async function readLedger(store: Store, feed: FeedId): Promise<StoredLedger> {
  const entries: LedgerEntry[] = [];
  const revisions: number[] = [];
  for (let part = 0; part < PARTS_MAX; ) {
    // Most feeds have one part.
    const count = part === 0 ? 1 : PARTS_AT_ONCE;
    const reads = await Promise.all(
      Array.from({ length: count }, (_, n) => store.readLedgerPart(feed, part + n)),
    );
    for (const { record, revision } of reads) {
      revisions.push(revision);
      if (record === null) return { entries, revisions };
      entries.push(...record);
      part += 1;
      if (record.length < CHUNK_ENTRIES) return { entries, revisions };
    }
  }
  return { entries, revisions };
}

/**
 * Writes the parts that hold any of the places, each by a CAS at what was read: whoever comes second leaves, and finds at its
 * next poll what the other has done. Rejects when one could not be written.
 */
export async function writeLedger(
  store: Store,
  feed: FeedId,
  { revisions }: Pick<StoredLedger, 'revisions'>,
  entries: readonly LedgerEntry[],
  places: Iterable<number>,
): Promise<void> {
  const parts = new Set<number>();
  for (const place of places) parts.add(Math.floor(place / CHUNK_ENTRIES));
  // In their order: a part that is there means that those before it are.
  for (const part of [...parts].sort((a, b) => a - b)) {
    const some = entries.slice(part * CHUNK_ENTRIES, (part + 1) * CHUNK_ENTRIES);
    const written = await store.casLedgerPart(feed, part, some, revisions[part] ?? 0);
    if (written.kind === 'unknown') throw written.cause;
    if (written.kind === 'conflict') throw new Error('its ledger was written by somebody else');
  }
}

/** What is known of episodes beside their state, as many as have any. */
export async function readMetas(
  store: Store,
  feed: FeedId,
  episodes: readonly EpisodeId[],
): Promise<Map<EpisodeId, EpisodeMeta>> {
  const metas = new Map<EpisodeId, EpisodeMeta>();
  for (let i = 0; i < episodes.length; i += METAS_AT_ONCE) {
    const some = episodes.slice(i, i + METAS_AT_ONCE);
    const read = await Promise.all(some.map((episode) => store.readMeta(feed, episode)));
    for (const [n, episode] of some.entries()) {
      const meta = read[n] ?? null;
      if (meta !== null) metas.set(episode, meta);
    }
  }
  return metas;
}

/**
 * An episode that is known and in no ledger: of a version that kept none, of an archive that was adopted, or of a poll that
 * was cut off between the two. Taken for listed: the document that is folded next says whether it is.
 */
export function entryFromMeta(feed: FeedId, episode: EpisodeId, meta: EpisodeMeta): LedgerEntry {
  const { key, guid, title, publishedMs, aliases = [], lengthBytes = null } = meta;
  const urlKey = URL.canParse(meta.url) ? enclosureKey(meta.url) : '';
  const seconds = meta.durationSecondsEstimate;
  return {
    ...audioMarks({ urlKey, title, publishedMs, lengthBytes, seconds }, sha256),
    episode,
    origin: guid === null ? 'url' : key === guid ? 'guid' : 'double',
    aliases: aliases.map((alias) => idOfKey(feed, alias, sha256)),
    vanishedS: null,
    moves: 0,
    isRewritten: false,
    audioChanges: 0,
    ...NO_FACTS,
    isFiltered: false,
  };
}
