import { newEpisode } from '@podctl/domain/episode-state.ts';
import { NO_FACTS } from '@podctl/domain/feed/fact-marks.ts';
import type { LedgerEntry } from '@podctl/domain/feed/ledger-entry.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import { type EpisodeId, type FeedId, nonceFrom } from '@podctl/domain/ids.ts';
import { BUCKETS, ledgerKey } from '@podctl/domain/key.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CLUSTER, episodeOf, NONCE } from '../../../../test/support/hand-built-fleet.ts';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { VanishedEpisodes } from './vanished-episodes.ts';

let world: LeaderWorld;
beforeEach(async () => {
  world = await LeaderWorld.start();
});
afterEach(() => world.stop());

const counts = { known: 1, listed: 0, vanished: 1, replaced: 0, audioChanged: 0, filtered: 0 };
const [alpha, beta] = ['alpha', 'beta'] as [FeedId, FeedId];

/** A feed with one episode that is to be downloaded and is not listed any more. */
async function vanishedOf(feed: FeedId): Promise<EpisodeId> {
  const record: FeedRecord = {
    ...{ cluster: CLUSTER, nonce: NONCE, feed, url: 'https://x.test/feed', formerUrls: [] },
    ...{ title: null, addedMs: 0, bookScore: null, generation: 0, etag: null, lastModified: null },
    ...{ lastSuccessMs: 1, failures: 0, nextPollMs: 9, problem: null, listed: 0 },
    ledger: { ...counts, digest: '', filter: '' },
  };
  await world.store.casFeed(record, 0);
  const episode = episodeOf(feed, 1);
  const nonce = nonceFrom(new Uint8Array(10));
  await world.store.createEpisode(feed, episode, newEpisode(CLUSTER, nonce, 'poll'));
  return episode;
}

class Once extends VanishedEpisodes {
  look(): Promise<void> {
    return this.turn(AbortSignal.timeout(5_000));
  }
}

test('a new leader learns which episodes have vanished, whatever of another feed it cannot read', async () => {
  await vanishedOf(alpha);
  const episode = await vanishedOf(beta);
  const { client, store, replica, clock, log } = world;
  await client.kv(BUCKETS.meta).put(ledgerKey(alpha, 0), new TextEncoder().encode('{"v":9}'));
  const entry: LedgerEntry = {
    ...{ episode, origin: 'guid', url: '', path: '', title: '', dateS: null, lengthBytes: null },
    ...{ durationSeconds: null, aliases: [], vanishedS: 7, moves: 0, isRewritten: false },
    ...{ ...NO_FACTS, audioChanges: 0, isFiltered: false },
  };
  await store.casLedgerPart(beta, 0, [entry], 0);
  await new Once({ clock, store, replica, log }).look();
  const { feeds } = replica.snapshot;
  expect([...(feeds.get(beta)?.vanished ?? [])]).toEqual([episode]);
  // Not again and again.
  expect(feeds.get(alpha)?.vanished).toEqual(new Set());
  expect(world.said).toEqual(['warn: which episodes have vanished is not known']);
});
