import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stage } from '@podctl/proto/podctl/v1/episode.ts';
import { AddedFeed_Outcome, FeedState } from '@podctl/proto/podctl/v1/feed.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CoordinatorClient } from '../../apps/cli/src/client.ts';
import { startNatsServer } from '../support/nats-server.ts';
import { addFeed, Fleet, HeldFeed, StateLog } from './backup-fleet.ts';

const EPISODES = 3;
const ends: (() => unknown)[] = [];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-feeds-'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await rm(folder, { recursive: true, force: true });
});

/** Two episodes done, the download of the third under way. */
async function underWay() {
  const feed = await HeldFeed.start(EPISODES);
  ends.push(() => feed.stop());
  const nats = await startNatsServer();
  ends.push(() => nats.stop());
  const fleet = new Fleet(folder);
  ends.push(() => fleet.stop('killed'));
  const address = await fleet.start(nats.url);
  const log = await StateLog.follow(nats.url);
  ends.push(() => log.close());
  await addFeed(address, feed.url);
  await feed.asked();
  await log.untilDone(EPISODES - 1);
  const endpoint = { addresses: [address], origin: 'the test', ca: null, token: null };
  const client = new CoordinatorClient(endpoint, 10_000);
  ends.push(() => client.close());
  return { feed, log, client };
}

test('a feed that is removed and added again goes on where it was, and a paused one begins nothing', async () => {
  const { feed, log, client } = await underWay();
  const newest = () => [...log.newest()];
  const third = () => newest().find(([, { stages }]) => stages.download.done === null)?.[1];

  expect(await client.feeds.remove('held')).toMatchObject({ jobsTakenBack: 1 });
  await log.until(() => third()?.stages.download.lock.state === 'free');
  expect(third()?.stages.download.lock).toMatchObject({
    ...{ failures: 0, lostBy: [], reason: 'its feed was removed' },
  });
  expect((await client.listFeeds({ pageSize: 0, pageToken: '' })).feeds).toEqual([]);

  feed.letGo();
  const again = await client.addFeeds([{ url: feed.url, title: '', feedId: '' }]);
  expect(again.feeds).toMatchObject([{ feedId: 'held', outcome: AddedFeed_Outcome.RESTORED }]);
  await log.untilDone(EPISODES);
  for (const stage of ['download', 'transcribe'] as const)
    expect([...log.accepted(stage).values()].map(({ size }) => size)).toEqual([1, 1, 1]);

  await client.feeds.pause('held');
  const [key = ''] = newest()[0] ?? [];
  const episodeId = key.split('.')[2] ?? '';
  const choice = { episodeIds: [episodeId], stage: Stage.TRANSCRIBE };
  expect(await client.feeds.retryEpisodes(choice)).toMatchObject({ requested: 1 });
  const before = (await client.feeds.get('held')).feed?.lastSuccessAt?.getTime() ?? 0;
  await client.feeds.refresh('held');
  // Read while it is paused; and in that time the planner has looked at it.
  const feedReads = () =>
    log.entries.filter((entry) => entry.key === 'feed.held').at(-1)?.value ?? new Uint8Array();
  await log.until(() => {
    const record = JSON.parse(new TextDecoder().decode(feedReads())) as { lastSuccessMs: number };
    return record.lastSuccessMs > before;
  });
  const shown = await client.feeds.get('held');
  expect(shown.feed?.state).toBe(FeedState.PAUSED);
  expect(shown.stages[1]).toMatchObject({ waiting: 1, running: 0 });

  await client.feeds.resume('held');
  await log.until(() => log.newest().get(key)?.stages.transcribe.done?.run === 2);
}, 60_000);
