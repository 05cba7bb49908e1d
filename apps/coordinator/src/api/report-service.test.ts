import { NO_FACTS } from '@podctl/domain/feed/fact-marks.ts';
import type { LedgerEntry } from '@podctl/domain/feed/ledger-entry.ts';
import { encodeChunk } from '@podctl/domain/feed/ledger-entry.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { ledgerKey } from '@podctl/domain/key.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type ApiBundle,
  all,
  apiBundle,
  ask,
  cleanUp,
  failure,
} from '../../../../test/support/api-bundle.ts';
import { dead, done, unwanted } from '../../../../test/support/stage-change.ts';

const alpha = 'alpha' as FeedId;
const beta = 'beta' as FeedId;
const ledger = { known: 6, listed: 4, vanished: 2, replaced: 1, audioChanged: 1, filtered: 1 };
let api: ApiBundle;
const ids: EpisodeId[] = [];

beforeEach(async () => {
  api = await apiBundle();
  api.fleet.feed(alpha, { ledger: { ...ledger, digest: '', filter: '' }, lastSuccessMs: 1_000 });
  api.fleet.feed(beta, { problem: 'HTTP 500' });
  ids.length = 0;
  for (let n = 0; n < 5; n += 1) ids.push(api.fleet.episode(alpha, n));
  api.fleet.episode(alpha, 0, done('download', 60));
  api.fleet.episode(alpha, 0, done('transcribe'));
  api.fleet.episode(alpha, 1, done('download', 60));
  api.fleet.episode(alpha, 2, dead('download', 'the host answered 404'));
  api.fleet.episode(alpha, 3, unwanted('download', 'skipped', 'skipped by ada'));
});
afterEach(cleanUp);

const list = (feedId = '') =>
  ask(api.reports.listCompleteness.bind(api.reports), { ...all, feedId });
const missing = (pageSize = 0, pageToken = '') =>
  ask(api.reports.listMissingEpisodes.bind(api.reports), { feedId: 'alpha', pageSize, pageToken });

test('each feed tells what it ever listed, what of it is there, and what is wrong', async () => {
  const { feeds } = await list();
  expect(feeds).toMatchObject([
    {
      ...{ feedId: 'alpha', ledger, wanted: 5, downloaded: 2, transcribed: 1, dead: 1, skipped: 1 },
      lastSuccessAt: new Date(1_000),
    },
    { feedId: 'beta', ledger: { known: 0, listed: 0, vanished: 0 }, problem: 'HTTP 500' },
  ]);
  expect((await list('beta')).feeds).toHaveLength(1);
  expect((await failure(list('gamma'))).details).toContain('gamma');
});

test('a feed of before there were ledgers lists what is known', async () => {
  api.fleet.episode(beta, 1);
  const { feeds } = await list('beta');
  expect(feeds[0]?.ledger).toMatchObject({ known: 1, listed: 1, vanished: 0, filtered: 0 });
});

test('what is missing is told with what keeps it, and what was skipped is not', async () => {
  const [, , deadOne, , vanished] = ids as [EpisodeId, EpisodeId, EpisodeId, EpisodeId, EpisodeId];
  const entry = { url: '', path: '', title: '', dateS: null, lengthBytes: null, aliases: [] };
  const flags = { moves: 0, isRewritten: false, audioChanges: 0, isFiltered: false };
  const entries = [
    { ...NO_FACTS, ...entry, ...flags, durationSeconds: null, origin: 'guid' as const },
  ].map((one): LedgerEntry => ({ ...one, episode: vanished, vanishedS: 7 }));
  api.fleet.values.set(`meta ${ledgerKey(alpha, 0)}`, encodeChunk(entries));
  const { episodes } = await missing();
  const told = new Map(episodes.map((one) => [one.episodeId, one]));
  expect(told.size).toBe(3);
  expect(told.get(deadOne)).toMatchObject({ reason: 'the host answered 404', downloaded: false });
  expect(told.get(vanished)).toMatchObject({ vanishedAt: new Date(7_000), reason: '' });
  // A score that somebody skipped is no word on the episode.
  const [, waits] = ids as [EpisodeId, EpisodeId];
  api.fleet.episode(alpha, 1, unwanted('score', 'skipped', 'skipped by ada'));
  expect((await missing()).episodes).toHaveLength(3);
  expect((await missing()).episodes.find((one) => one.episodeId === waits)?.reason).toBe('');
  const first = await missing(2);
  const second = await missing(2, first.nextPageToken);
  expect([...first.episodes, ...second.episodes]).toEqual(episodes);
  expect(second.nextPageToken).toBe('');
});
