import { NO_FILTER } from '@podctl/domain/feed/episode-filter.ts';
import type { FeedDocument, FeedItem } from '@podctl/domain/feed/feed-document.ts';
import { NO_CHOICES } from '@podctl/domain/feed-choices.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import { BUCKETS, feedKey, ledgerKey, metaKey } from '@podctl/domain/key.ts';
import type { Kv } from '@podctl/platform/kv.ts';
import { episodeMeta } from '@podctl/platform/records.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CLUSTER, NONCE } from '../../../../test/support/hand-built-fleet.ts';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { downloadHost } from '../core/episode-hosts.ts';
import { FeedFold } from './feed-fold.ts';
import { readLedger } from './feed-ledger.ts';
import { Store } from './store.ts';

let world: LeaderWorld;
beforeEach(async () => {
  world = await LeaderWorld.start();
  await world.store.casFeed(RECORD, 0);
});
afterEach(() => world.stop());

const FEED = 'alpha' as FeedRecord['feed'];
const RECORD: FeedRecord = {
  ...{ cluster: CLUSTER, nonce: NONCE, feed: FEED, url: 'https://x.test/feed', formerUrls: [] },
  ...{ title: null, addedMs: 0, bookScore: null, generation: 0, etag: null, lastModified: null },
  ...{ lastSuccessMs: null, failures: 0, nextPollMs: 0, problem: null, listed: 0 },
};

const item = (name: string, more: Partial<FeedItem> = {}): FeedItem => ({
  ...{ key: name, guid: name, title: `Title ${name}`, publishedMs: 86_400_000 },
  enclosureUrl: `https://x.test/${name}.mp3`,
  enclosureType: null,
  lengthBytes: 5_000_000,
  durationSecondsEstimate: null,
  ...{ season: null, episodeNumber: null, episodeType: 'full' },
  ...more,
});
const document = (...items: FeedItem[]): FeedDocument => {
  const none = { problems: [], nextPageUrl: null, selfUrl: null, newFeedUrl: null };
  return { title: 'The show', items, itemsSeen: items.length, ...none };
};

/** Writes that the servers took, of any bucket; beyond the limit none is taken, as if the leader had died there. */
class Writes {
  readonly keys: string[] = [];
  readonly #max: number;

  constructor(max = Number.POSITIVE_INFINITY) {
    this.#max = max;
  }

  over(kv: Kv): Kv {
    const take = (key: string) => {
      if (this.keys.length >= this.#max) throw new Error('the leader died');
      this.keys.push(key);
    };
    return {
      get: (key, signal) => kv.get(key, signal),
      tail: (sink) => kv.tail(sink),
      remove: (key, expected) => kv.remove(key, expected),
      cas: async (key, expected, value, options) => {
        take(key);
        return kv.cas(key, expected, value, options);
      },
      put: async (key, value) => {
        take(key);
        return kv.put(key, value);
      },
    };
  }
}

const RESTATED_MAX = 20;

/** One poll's fold, and what the poller writes after it. */
async function fold(read: FeedDocument, writes = new Writes(), change: Partial<FeedRecord> = {}) {
  const { client, replica, clock } = world;
  const [state, meta] = [client.kv(BUCKETS.state), client.kv(BUCKETS.meta)];
  const store = new Store({
    ...{ state: writes.over(state), meta: writes.over(meta), replica },
    retry: { failuresMax: 2, lossesMax: 3, backoffFirstMs: 0, backoffMaxMs: 0 },
    newNonce: () => NONCE,
    mayWrite: () => true,
  });
  const { record, revision } = await store.readFeed(FEED);
  if (record === null) throw new Error('the feed was added');
  const folded = await new FeedFold({ clock, store, replica, restatedMax: RESTATED_MAX }).fold(
    { ...record, ...change },
    revision,
    read,
  );
  if (folded !== null)
    await world.store.casFeed({ ...folded.record, ledger: folded.ledger }, folded.revision);
  return folded;
}

const rows = () => [...(world.replica.snapshot.feeds.get(FEED)?.episodes.keys() ?? [])];
const metas = () => Promise.all(rows().map(async (episode) => world.store.readMeta(FEED, episode)));
/** All that the fold leaves, but for how often it had to begin. */
async function left() {
  const { entries } = await readLedger(world.store, FEED);
  const { record } = await world.store.readFeed(FEED);
  return { entries, metas: await metas(), rows: rows(), ledger: record?.ledger };
}

const FIRST = document(item('a'), item('b'), item('c'), item('d'));
const SECOND = document(
  item('new'),
  item('a2', { title: 'Title a', enclosureUrl: 'https://cdn.test/a.mp3' }),
  item('b', { enclosureUrl: 'https://cdn.test/b.mp3' }),
  item('c', { title: 'Another title' }),
);

test('new episodes are written with what is known of them, then the ledger, and the record last', async () => {
  const writes = new Writes();
  const folded = await fold(document(item('a')), writes);
  const [episode = ''] = rows();
  expect(writes.keys).toEqual([
    feedKey(FEED),
    `meta.${FEED}.${episode}`,
    `job.${FEED}.${episode}`,
    ledgerKey(FEED, 0),
  ]);
  expect(folded).toMatchObject({ listed: 1, fresh: 1, ledger: { known: 1, listed: 1 } });
});

test('a feed that changed nothing writes nothing, also where its URLs are signed anew each time', async () => {
  const signed = (n: number) =>
    document(
      item('a', { enclosureUrl: `https://x.test/a.mp3?Expires=${n}&Signature=${n}` }),
      item('b', { enclosureUrl: `https://x.test/b.mp3?unknown=${n}` }),
    );
  for (const n of [1, 2]) await fold(signed(n));
  const writes = new Writes();
  for (const n of [2, 3, 4]) await fold(signed(n), writes);
  expect(writes.keys).toEqual([]);
  expect((await metas()).map((meta) => meta?.isUrlRestless)).toEqual([true, true]);
});

test('what a feed adds to known episodes later is kept, and what was kept already is not written again', async () => {
  await fold(FIRST);
  const transcripts = [{ url: 'https://t.test/a.vtt', type: 'text/vtt', language: 'en' }];
  const persons = [{ name: 'Ada', role: 'host' }];
  const chaptersUrl = 'https://t.test/c.json';
  const more = { transcripts, persons, chaptersUrl, season: 4, episodeType: 'bonus' } as const;
  const [a, ...others] = FIRST.items as [FeedItem, ...FeedItem[]];
  const later = document({ ...a, ...more }, ...others);
  const before = await metas();
  const writes = new Writes();
  await fold(later, writes);
  expect(writes.keys.filter((key) => key.startsWith('meta.'))).toHaveLength(1);
  expect(await metas()).toEqual([{ ...before[0], ...more }, ...before.slice(1)]);
  // A ledger of an older version does not say what is kept: it is looked at, and found.
  const { entries, revisions } = await readLedger(world.store, FEED);
  const unknown = entries.map((entry) => ({ ...entry, facts: '', looseFacts: '' }));
  await world.store.casLedgerPart(FEED, 0, unknown, revisions[0] ?? 0);
  const again = new Writes();
  await fold(document(...later.items, item('new')), again);
  expect(again.keys.filter((key) => key.startsWith('meta.'))).toHaveLength(1);
  expect((await readLedger(world.store, FEED)).entries.slice(0, 4)).toEqual(entries);
});

test('a feed that changes every one of thousands of items is written in parts, and is asked for again', async () => {
  const many = RESTATED_MAX + 10;
  const listed = (season: number) =>
    document(...Array.from({ length: many }, (_, n) => item(`g${n}`, { season })));
  await fold(listed(1));
  const writes = new Writes();
  expect(await fold(listed(2), writes)).toMatchObject({
    isUnfinished: true,
    ledger: { digest: '' },
  });
  expect(writes.keys.filter((key) => key.startsWith('meta.'))).toHaveLength(RESTATED_MAX);
  expect(await fold(listed(2), new Writes())).toMatchObject({ isUnfinished: false });
  expect(new Set((await metas()).map((meta) => meta?.season))).toEqual(new Set([2]));
});

test('of a feed at several hosts the record says so, and a new leader sees which episode is where', async () => {
  const mixed = document(item('a'), item('b'), item('c', { enclosureUrl: 'https://y.test/c.mp3' }));
  expect(await fold(mixed)).toMatchObject({ ledger: { hosts: 2 } });
  const { snapshot } = world.replica;
  const hosts = () => rows().map((episode) => downloadHost(snapshot, FEED, episode));
  expect(hosts()).toEqual(['x.test', 'x.test', 'y.test']);
  snapshot.episodeHosts.clear();
  const writes = new Writes();
  await fold(mixed, writes);
  expect([hosts(), writes.keys]).toEqual([['x.test', 'x.test', 'y.test'], []]);
});

test('what changed is written, and nothing else of the feed', async () => {
  await fold(FIRST);
  const before = await metas();
  const writes = new Writes();
  const folded = await fold(SECOND, writes);
  expect(folded?.ledger).toMatchObject({ known: 5, listed: 4, vanished: 1, replaced: 1 });
  expect(writes.keys.filter((key) => key.startsWith('meta.'))).toHaveLength(4);
  const [a, b, c, d] = await metas();
  expect(a).toMatchObject({ key: 'a', guid: 'a', aliases: ['a2'], url: 'https://cdn.test/a.mp3' });
  expect(b).toMatchObject({ url: 'https://cdn.test/b.mp3', title: 'Title b' });
  expect(c).toMatchObject({ title: 'Another title' });
  expect(d).toEqual(before[3]);
});

test('a leader that dies at any write leaves what the next one makes whole, and never an episode twice', async () => {
  await fold(FIRST);
  await fold(SECOND);
  const whole = await left();
  const most = new Writes();
  world.stop();
  for (let max = 0; most.keys.length === 0; max += 1) {
    world = await LeaderWorld.start();
    await world.store.casFeed(RECORD, 0);
    const cut = async (read: FeedDocument, writes: Writes) => {
      const isDone = await fold(read, writes).then(
        () => true,
        () => false,
      );
      if (!isDone) await fold(read);
      return isDone;
    };
    const first = await cut(FIRST, new Writes(max));
    const second = await cut(SECOND, new Writes(max));
    const now = await left();
    expect(new Set(now.rows)).toEqual(new Set(whole.rows));
    expect(now.ledger).toEqual(whole.ledger);
    expect(new Set(now.metas.map((meta) => JSON.stringify(meta)))).toEqual(
      new Set(whole.metas.map((meta) => JSON.stringify(meta))),
    );
    if (first && second) most.keys.push('done');
    else world.stop();
  }
});

test('an archive of before has no ledger, and gets one from what is known of its episodes', async () => {
  await fold(FIRST);
  const before = rows();
  const meta = world.nats.bucket(BUCKETS.meta);
  // As the version before wrote it: no ledger, and no length.
  meta.write({ key: ledgerKey(FEED, 0), expected: null, value: null });
  for (const episode of before) {
    const known = await world.store.readMeta(FEED, episode);
    if (known === null) throw new Error('it was written');
    const value = episodeMeta.encode({ ...known, lengthBytes: undefined });
    meta.write({ key: metaKey(FEED, episode), expected: null, value });
  }
  const { record, revision } = await world.store.readFeed(FEED);
  await world.store.casFeed({ ...(record ?? RECORD), ledger: undefined }, revision);
  // The GUID of one anew, at the same URL.
  const anew = item('a2', { title: 'Title a', enclosureUrl: item('a').enclosureUrl });
  const folded = await fold(document(anew, item('b')));
  expect(rows()).toEqual(before);
  expect(folded?.ledger).toMatchObject({ known: 4, listed: 2, vanished: 2, replaced: 1 });
});

test('an episode that the ledger has and the state has not, after a restore, is made again', async () => {
  await fold(document(item('a')));
  const { entries } = await readLedger(world.store, FEED);
  const other = await LeaderWorld.start();
  await other.store.casFeed(RECORD, 0);
  await other.store.casLedgerPart(FEED, 0, entries, 0);
  world.stop();
  world = other;
  await fold(document(item('a')));
  expect(rows()).toEqual(entries.map(({ episode }) => episode));
  expect((await metas())[0]).toMatchObject({ key: 'a' });
});

test('a URL at which a download failed gives way to the one that the feed has now', async () => {
  const at = (n: number) =>
    document(item('a', { enclosureUrl: `https://x.test/a.mp3?Expires=${n}` }));
  await fold(at(1));
  const [episode] = rows();
  if (episode === undefined) throw new Error('it was written');
  await world.store.moveEpisode(FEED, episode, 'download', () => ({
    kind: 'skip',
    reason: 'test',
  }));
  const tally = world.replica.snapshot.feeds.get(FEED)?.tally;
  if (tally !== undefined) tally.dead = 1;
  await fold(at(2));
  expect((await metas())[0]?.url).toBe('https://x.test/a.mp3?Expires=2');
});

test('filtered episodes have no state until the filter lets them through, listed or not', async () => {
  const filter = { ...NO_FILTER, titleMatch: 'title [ab]$' };
  const choices = { ...NO_CHOICES, filter };
  const first = await fold(FIRST, new Writes(), { choices });
  expect([rows().length, first?.ledger.filtered]).toEqual([2, 2]);
  const { record, revision } = await world.store.readFeed(FEED);
  await world.store.casFeed({ ...(record ?? RECORD), choices: NO_CHOICES }, revision);
  const second = await fold(document(item('a'), item('b'), item('c')));
  expect(second).toMatchObject({ fresh: 2, ledger: { known: 4, filtered: 0, vanished: 1 } });
  expect((await metas()).map((meta) => meta?.title).sort()).toEqual(
    ['a', 'b', 'c', 'd'].map((name) => `Title ${name}`),
  );
});
