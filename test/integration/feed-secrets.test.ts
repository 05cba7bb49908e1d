import type { FeedId } from '@podctl/domain/ids.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CoordinatorClient } from '../../apps/cli/src/client.ts';
import { feedDetailView, feedView } from '../../apps/cli/src/views/feed-map.ts';
import { opmlOf } from '../../apps/cli/src/views/opml-map.ts';
import { fleetMetrics } from '../../apps/coordinator/src/api/fleet-metrics.ts';
import { GrpcServer } from '../../apps/coordinator/src/api/grpc-server.ts';
import { CoordinatorWorld } from '../support/coordinator-world.ts';

/** In the user's name, the password, the query, the path, and what the host sends back. */
const SECRET = /hunter2/i;
const PATH = '/rss/hunter2Secret7f3a9c01d2/feed.xml?token=hunter2query';
const AUDIO = 'http://cdn.example/a/hunter2Audio7f3a9c01d2/1.mp3?sig=hunter2sig';

let world: CoordinatorWorld;
let server: GrpcServer;
let client: CoordinatorClient;
/** All that was logged, told or answered. */
let told: string[];

beforeEach(async () => {
  told = [];
  const note =
    (level: string) =>
    (...args: unknown[]) =>
      void told.push(`log ${level} ${JSON.stringify(args, unwrapped)}`);
  const log = {
    info: note('info'),
    warn: note('warn'),
    error: note('error'),
    debug: note('debug'),
  };
  world = await CoordinatorWorld.start({}, log);
  world.told.add((events) => void told.push(`events ${JSON.stringify(events)}`));
  server = new GrpcServer({
    ...{ listen: { host: '127.0.0.1', port: 0 }, fleet: world.coordinator, clock: systemClock },
    ...{ security: null, onCall: (...call) => void told.push(`call ${JSON.stringify(call)}`) },
    onBug: (...bug) => void told.push(`bug ${JSON.stringify(bug, unwrapped)}`),
    onAudit: (call) => void told.push(`audit ${JSON.stringify(call)}`),
    onRefused: () => undefined,
  });
  await server.start();
  server.setServing(true);
  const addresses = [`127.0.0.1:${server.address?.port}`];
  client = new CoordinatorClient({ addresses, origin: 'the test', ca: null, token: null }, 10_000);
});
afterEach(async () => {
  client.close();
  await server.stop();
  await world.stop();
});

/** What JSON leaves out of an error. */
function unwrapped(_key: string, value: unknown): unknown {
  if (value instanceof Error) return { ...value, message: value.message, stack: value.stack };
  return typeof value === 'bigint' ? String(value) : value;
}

const page = { pageSize: 0, pageToken: '' };

/** Everything that shows a feed, an episode or an event to somebody. */
async function look(): Promise<void> {
  const { feeds } = await client.listFeeds(page);
  const details = await Promise.all(feeds.map(({ feedId }) => client.feeds.get(feedId)));
  const { episodes } = await client.listEpisodes('', page);
  const shown = {
    feeds,
    details,
    views: [feeds.map(feedView), details.map(feedDetailView)],
    opml: opmlOf(feeds.map(feedView)),
    episodes,
    metrics: fleetMetrics(world.coordinator.picture(), world.coordinator.info(), 0),
    events: world.coordinator.events.after(0, 1_000),
  };
  told.push(JSON.stringify(shown, unwrapped));
}

function record() {
  return [...world.coordinator.picture().snapshot.feeds.values()][0]?.record;
}

/** Has the feed polled while the host answers so. */
async function poll(status: number, body: string, headers = {}): Promise<void> {
  world.feeds.set(PATH, { status, body, headers });
  const { feed } = record() ?? {};
  const before = record()?.polling?.lastMs;
  await world.coordinator.orders.changeFeed(feed as FeedId, { pollNow: true });
  await world.until(() => record()?.nextPollMs !== 0 && record()?.polling?.lastMs !== before);
  await look();
}

const RSS = `<rss><channel><title>A show</title><itunes:new-feed-url>http://other.invalid/f?hunter2</itunes:new-feed-url>
<item><guid>1</guid><title>One</title><enclosure url="${AUDIO}" type="audio/mpeg"/></item></channel></rss>`;

test('no secret of a feed’s URLs is in a log, an event, a metric, an answer or an error of its life', async () => {
  world.feeds.set(PATH, { status: 200, body: RSS });
  const url = world.url(PATH).replace('//', '//hunter2user:hunter2pw@');
  const added = await client.addFeeds([{ url, title: '', feedId: '' }]);
  told.push(JSON.stringify(added, unwrapped));
  await world.until(() => record()?.polling !== undefined);
  expect(record()?.url).toContain('hunter2pw');
  await look();
  const again = await client.addFeeds([{ url, title: '', feedId: '' }]);
  const refused = await client.addFeeds([
    { url: 'ftp://hunter2user:hunter2pw@h/x?hunter2', title: '', feedId: '' },
    { url: 'hunter2 is no URL', title: '', feedId: '' },
  ]);
  told.push(JSON.stringify([again, refused], unwrapped));

  const agent = world.agent('a1');
  await agent.hello();
  const readMs = record()?.polling?.lastMs;
  agent.heartbeat();
  // Its URLs look signed: the feed is read again first, and the agent is told at its next heartbeat.
  await world.until(() => record()?.polling?.lastMs !== readMs);
  agent.heartbeat();
  const { job, work } = await agent.nextStart('download');
  // The agent alone is told.
  expect(JSON.stringify(work)).toMatch(SECRET);
  const failed = { kind: 'failed', code: 'http_403', retryAfterMs: null, final: true } as const;
  const reason = `GET ${AUDIO} was refused`;
  await agent.verdict(job, { ...failed, reason, returned: false });
  await look();

  await poll(401, `who is hunter2user?`);
  await poll(500, `${url} broke`);
  await poll(200, `<html>${url}</html>`);
  await poll(200, `<rss><channel><hunter2 a=hunter2><![CDATA[${url}`);
  await poll(302, '', { location: 'http://127.0.0.1:1/x?token=hunter2' });
  await poll(301, '', { location: 'file:///hunter2' });
  await poll(410, '');
  expect(record()?.polling?.came).toBe('gone');
  told.push(JSON.stringify(await client.feeds.remove(record()?.feed ?? ''), unwrapped));
  await look();

  expect(told.length).toBeGreaterThan(30);
  expect(told.filter((text) => SECRET.test(text))).toEqual([]);
});
