import type { FeedId } from '@podctl/domain/ids.ts';
import { BUCKETS, feedKey, ledgerKey } from '@podctl/domain/key.ts';
import { guardedAgent } from '@podctl/platform/address-guard.ts';
import type { KvEntry } from '@podctl/platform/kv.ts';
import { feedRecord } from '@podctl/platform/records.ts';
import { Agent } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { CoordinatorWorld, rss } from '../../../../test/support/coordinator-world.ts';
import { BREAK_SETTLES_MS } from '../core/settled-document.ts';
import { feedView } from '../core/view.ts';

const PATH = '/alpha';

let world: CoordinatorWorld;
let dispatcher: Agent | null = null;
afterEach(async () => {
  await world.stop();
  await dispatcher?.destroy();
  dispatcher = null;
});

/** Three failed polls make a feed failing, and a failed one is asked again at once. */
async function begin(dispatcherOf: () => Agent = () => new Agent()): Promise<void> {
  dispatcher = dispatcherOf();
  const failingAfter = 3;
  world = await CoordinatorWorld.start({
    poll: { pollEveryMs: 60_000, backoffFirstMs: 60_000, backoffMaxMs: 60_000, failingAfter },
    view: { stalledAfterMs: 600_000, staleAfterMs: 3_600_000, failingAfter },
    fetch: {
      dispatcher,
      userAgent: 'podctl-test',
      wireBytesMax: 10_000,
      bytesMax: 10_000,
      totalMs: 5_000,
      idleMs: 5_000,
    },
  });
}

async function serve(status: number, body: string): Promise<void> {
  world.feeds.set(PATH, { status, body });
  await world.coordinator.orders.addFeeds([
    { url: world.url(PATH), title: null, bookScore: null, id: 'alpha' },
  ]);
}

function shown() {
  const picture = world.coordinator.picture();
  const row = picture.snapshot.feeds.get('alpha' as FeedId);
  if (row === undefined) throw new Error('the feed was added');
  return { ...feedView(picture, row), record: row.record };
}

const polled = () => world.until(() => shown().problem !== '');

describe('a feed is failing with its first poll', () => {
  it.each([
    [404, '', 'the host does not find the feed (404): check its URL'],
    [403, '', 'the host refuses us (403)'],
    [
      200,
      '<!doctype html><html></html>',
      'the answer could not be read: it is an HTML page, not a feed',
    ],
    [200, 'x'.repeat(10_001), 'the feed has more than 10000 bytes, the limit'],
  ])('when the host answers %i with %.20s', async (status, body, problem) => {
    await begin();
    await serve(status, body);
    await polled();
    expect(shown()).toMatchObject({ state: 'failing', problem });
  });

  it('when its address is refused, and the host is never asked', async () => {
    await begin(() =>
      guardedAgent({ allowPrivate: false, connectionsMax: 1, connectTimeoutMs: 5_000 }),
    );
    await serve(200, rss('alpha', 1));
    await polled();
    expect(shown()).toMatchObject({
      state: 'failing',
      problem: expect.stringContaining('set network.allowPrivate'),
    });
    expect(world.requests).toEqual([]);
  });
});

describe('a feed that failed', () => {
  it('by an answer that may pass is not failing yet', async () => {
    await begin();
    await serve(503, '');
    await polled();
    expect(shown()).toMatchObject({ state: 'new', record: { failures: 1 } });
  });

  it('is asked again in a while, failing or not', async () => {
    await begin();
    await serve(404, '');
    await polled();
    const { record } = shown();
    expect((record?.nextPollMs ?? 0) - Date.now()).toBeLessThanOrEqual(90_000);
  });
});

describe('a feed whose ledger was written by a newer version', () => {
  it('says so, is asked again in a while like every one that failed, and its ledger stays', async () => {
    await begin();
    const key = ledgerKey('alpha' as FeedId, 0);
    const meta = world.nats.client('newer').kv(BUCKETS.meta);
    await meta.put(key, new TextEncoder().encode('{"v":9}'));
    await serve(200, rss('alpha', 1));
    await polled();
    expect(shown()).toMatchObject({
      state: 'failing',
      problem: expect.stringContaining('what is known of its episodes cannot be'),
    });
    expect((shown().record?.nextPollMs ?? 0) - Date.now()).toBeGreaterThan(10_000);
    expect(new TextDecoder().decode(bytesOf(await meta.get(key)))).toBe('{"v":9}');
  });

  const bytesOf = (entry: KvEntry | null) =>
    entry?.kind === 'value' ? entry.value : new Uint8Array();
});

describe('URLs that are signed', () => {
  it('are read from the feed again just before they are fetched, and never what an episode is known by', async () => {
    await begin();
    let readings = 0;
    const signed = () => {
      readings += 1;
      return rss('alpha', 1).replace('0.mp3"', `0.mp3?Expires=${readings}&amp;Signature=s"`);
    };
    world.feeds.set(PATH, {
      status: 200,
      get body() {
        return signed();
      },
    });
    await world.coordinator.orders.addFeeds([
      { url: world.url(PATH), title: null, bookScore: null, id: 'alpha' },
    ]);
    await world.until(() => shown().record?.listed === 1);
    const revision = () =>
      world.coordinator.picture().snapshot.feeds.get('alpha' as FeedId)?.revision;
    const known = revision();
    const agent = world.agent('a1');
    await agent.hello();
    await world.until(() => world.lock('alpha', 'download')?.state === 'held');
    // The feed was read once more: what the agent does not list is told again.
    await world.until(() => revision() !== known);
    const start = agent.nextStart();
    agent.heartbeat();
    const { work } = await start;
    expect([readings, work.kind === 'download' && work.url]).toEqual([
      2,
      expect.stringContaining('Expires=2'),
    ]);
    expect(world.episodes('alpha')).toHaveLength(1);
  });
});

describe('what reading a feed lost', () => {
  const item = (guid: string) =>
    `<item><guid>${guid}</guid><enclosure url="https://cdn.example/${guid}.mp3"/></item>`;

  it('is kept with the feed, and the episodes before the damage are taken', async () => {
    await begin();
    await serve(
      200,
      `<rss><channel><title>T</title>${item('1')}<item><title>x</title></item>${item('2')}<item`,
    );
    await world.until(() => shown().record?.reading !== undefined);
    expect(shown().record?.reading).toMatchObject({
      items: 3,
      pages: 1,
      problems: [
        { kind: 'lost', message: 'the document breaks off before its end', place: 'after item 3' },
        {
          kind: 'lost',
          message: 'a tag that is cut off by the end of the document',
          place: 'line 1',
        },
        { kind: 'left_out', message: '1 item without audio passed over', place: 'item 2' },
      ],
    });
    expect(shown().problem).toBe('the document breaks off before its end');
    expect(world.episodes('alpha')).toHaveLength(2);
  });

  it('is nothing any more of a host that never sends the end: read so an hour apart, that is all of it', async () => {
    await begin();
    const unended = (body: string) => body.replace('</channel></rss>', '');
    await serve(200, unended(rss('alpha', 3)));
    await world.until(() => shown().record?.reading?.brokeOff !== undefined);
    const fewer = { status: 200, body: unended(rss('alpha', 2)), etag: '"2"' };
    world.feeds.set(PATH, fewer);
    await readAgain();
    expect(shown().record).toMatchObject({ etag: null, ledger: { known: 3, vanished: 0 } });
    await readAgain(BREAK_SETTLES_MS);
    expect(shown().record).toMatchObject({ etag: '"2"', ledger: { known: 3, vanished: 1 } });
    // Nothing of it is lost: it comes back with the rest of the document.
    world.feeds.set(PATH, { status: 200, body: unended(rss('alpha', 4)) });
    await readAgain();
    expect(shown().record).toMatchObject({ etag: null, ledger: { known: 4, vanished: 0 } });
  });

  let clients = 0;
  /** Polls once more, as if the last poll had been so long ago. */
  async function readAgain(agoMs = 0): Promise<void> {
    const { record } = shown();
    const { revision = 0 } =
      world.coordinator.picture().snapshot.feeds.get('alpha' as FeedId) ?? {};
    if (record?.reading?.brokeOff === undefined) throw new Error('it was read, and broke off');
    const { mark, sinceMs } = record.reading.brokeOff;
    const reading = { ...record.reading, brokeOff: { mark, sinceMs: sinceMs - agoMs } };
    clients += 1;
    const state = world.nats.client(`somebody-${clients}`).kv(BUCKETS.state);
    await state.cas(feedKey(record.feed), revision, feedRecord.encode({ ...record, reading }));
    await world.coordinator.orders.changeFeed(record.feed, { pollNow: true });
    await world.until(() => {
      const now = shown().record;
      return now?.nextPollMs !== 0 && now?.polling?.lastMs !== record.polling?.lastMs;
    });
  }

  it('is nothing of a feed that lists pages without audio among its episodes, and is in order', async () => {
    await begin();
    await serve(
      200,
      rss('alpha', 1).replace('</channel>', '<item><title>News</title></item></channel>'),
    );
    await world.until(() => shown().record?.reading !== undefined);
    expect(shown().record?.reading?.problems).toHaveLength(1);
    expect(shown().problem).toBe('');
  });

  it('includes the pages that it lists, and where it moved to by its own words', async () => {
    await begin();
    world.feeds.set('/new', {
      status: 200,
      body: rss('new', 2).replace('<item>', `<atom:link rel="next" href="/new2"/><item>`),
    });
    world.feeds.set('/new2', { status: 200, body: rss('old', 3) });
    const moved = `<itunes:new-feed-url>${world.url('/new')}</itunes:new-feed-url>`;
    await serve(200, rss('new', 1).replace('<item>', `${moved}<item>`));
    await world.until(() => world.episodes('alpha').length === 5);
    await world.until(() => shown().record?.reading !== undefined);
    const { record } = shown();
    expect(record).toMatchObject({ url: world.url('/new'), formerUrls: [world.url(PATH)] });
    expect(record?.reading).toMatchObject({ pages: 2, items: 5, problems: [] });
  });
});
