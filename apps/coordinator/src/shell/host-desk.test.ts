import type { HostName } from '@podctl/domain/host-name.ts';
import type { FeedId } from '@podctl/domain/ids.ts';
import { BUCKETS, feedHostKey, hostKey } from '@podctl/domain/key.ts';
import type { ResultOutcome } from '@podctl/domain/protocol.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AgentDouble } from '../../../../test/support/agent-double.ts';
import { CoordinatorWorld, rss } from '../../../../test/support/coordinator-world.ts';
import { downloadHost } from '../core/episode-hosts.ts';
import { HostPace } from '../core/host-pace.ts';
import { downloadsByHost, plannedHosts } from '../core/host-room.ts';
import { Replica } from './replica.ts';

const cdn = 'cdn.example.org' as HostName;
/** Of the episodes' URLs. */
const listed = '127.0.0.1' as HostName;
const rules = {
  ...{ parallelMax: 2, limits: {}, startsPerSecond: 100 },
  ...{ coolDownFirstMs: 60_000, coolDownMaxMs: 120_000 },
};

let world: CoordinatorWorld;
beforeEach(async () => {
  world = await CoordinatorWorld.start({ hosts: rules });
});
afterEach(() => world.stop());

const snapshot = () => world.coordinator.picture().snapshot;
const hostOf = (feed: string) => snapshot().feedHosts.get(feed as FeedId)?.record;
const stateOf = (host: HostName) => snapshot().hosts.get(host)?.record;
const download = (feed: string, n: number) => world.episodes(feed)[n]?.state.stages.download;
const episodeLock = (feed: string, id: string) =>
  world.episodes(feed).find(({ episode }) => episode === id)?.state.stages.download.lock;

function refusal(code: string, host?: HostName, retryAfterMs: number | null = null): ResultOutcome {
  const of = { code, reason: `It says ${code}.`, retryAfterMs, final: false, returned: false };
  return { kind: 'failed', ...of, ...(host === undefined ? {} : { host }) };
}

async function agent(id: string, downloads: number): Promise<AgentDouble> {
  const made = world.agent(id);
  await made.hello({ download: downloads, transcribe: 0 });
  return made;
}

/** Does the next download that it is given, from a host. */
async function serve(double: AgentDouble, host: HostName): Promise<void> {
  const start = await double.nextStart('download');
  const manifestSha256 = await double.finish(start, { 'audio.mp3': 's', 'metadata.json': '{}' });
  await double.verdict(start.job, { kind: 'finished', manifestSha256, host });
}

test('before the first download the host is that of an episode’s URL, then the one that sent it', async () => {
  const one = await agent('a1', 1);
  await world.addFeed('alpha', 2);
  await one.nextStart('download').then(async (start) => {
    expect(hostOf('alpha')).toMatchObject({ host: listed, learned: false });
    const manifestSha256 = await one.finish(start, { 'audio.mp3': 's', 'metadata.json': '{}' });
    await one.verdict(start.job, { kind: 'finished', manifestSha256, host: cdn });
  });
  await world.until(() => hostOf('alpha')?.host === cdn);
  expect(hostOf('alpha')?.learned).toBe(true);
});

test('all agents together have no more than the limit, and another host’s feed is given at once', async () => {
  await world.addFeed('alpha', 5);
  await agent('a1', 3);
  await agent('a2', 3);
  await world.until(() => snapshot().locks.size === 2);
  const body = world.feeds.get('/alpha')?.body.replaceAll('127.0.0.1:9', 'other.example') ?? '';
  world.feeds.set('/beta', { status: 200, body: body.replaceAll('alpha-', 'beta-') });
  const url = world.url('/beta');
  await world.coordinator.orders.addFeeds([{ url, title: null, bookScore: null, id: 'beta' }]);
  await world.until(() => snapshot().locks.size === 4);
  const feeds = [...snapshot().locks.values()].map(({ feed }) => feed).sort();
  expect(feeds).toEqual(['alpha', 'alpha', 'beta', 'beta']);
});

describe('a host that asks for patience', () => {
  test('is left alone by all, whoever leads next, and no attempt is counted', async () => {
    await world.addFeed('alpha', 3);
    const one = await agent('a1', 1);
    const start = await one.nextStart('download');
    // An agent of before does not say which host it was.
    const answer = await one.verdict(start.job, refusal('http_503', undefined, 30_000));
    expect(answer).toEqual({ kind: 'verdict', answer: 'noted' });
    const nowMs = Date.now();
    expect(stateOf(listed)).toMatchObject({ strikes: 1, why: 'It says http_503.' });
    expect((stateOf(listed)?.coolingUntilMs ?? 0) - nowMs).toBeGreaterThan(25_000);
    const lock = episodeLock('alpha', start.job.episode);
    expect(lock).toMatchObject({ state: 'free', failures: 0 });
    // It waits longer than its host, so that others are tried first.
    const notBeforeMs = lock?.state === 'free' ? lock.notBeforeMs : 0;
    expect(notBeforeMs).toBeGreaterThan(stateOf(listed)?.coolingUntilMs ?? 0);
    expect(snapshot().locks.size).toBe(0);

    const next = new Replica({ nowMs: () => nowMs, rewound: () => {} });
    const tail = world.nats.client('next').kv(BUCKETS.state).tail(next);
    await tail.start();
    await next.loaded();
    const planned = plannedHosts(next.snapshot, rules, new HostPace(100), nowMs);
    expect(planned.hostOf('alpha' as FeedId, null)).toBe(listed);
    expect(planned.room(listed)).toEqual({ downloads: 0, wait: 'cooling' });
    await tail.stop();
  });

  test('is the one behind the redirects, which the feed is known by from then on', async () => {
    await world.addFeed('alpha', 1);
    const one = await agent('a1', 1);
    const start = await one.nextStart('download');
    await one.verdict(start.job, refusal('http_429', cdn));
    expect(stateOf(cdn)?.strikes).toBe(1);
    expect(stateOf(listed)).toBeUndefined();
    expect(hostOf('alpha')?.host).toBe(cdn);
  });

  test('strikes once, though all that ran there were sent away', async () => {
    await world.addFeed('alpha', 2);
    const one = await agent('a1', 2);
    const starts = [await one.nextStart('download'), await one.nextStart('download')];
    await Promise.all(starts.map(({ job }) => one.verdict(job, refusal('http_429'))));
    expect(stateOf(listed)?.strikes).toBe(1);
  });
});

test('a 403 is the episode’s failure where its host served another one a moment ago', async () => {
  await world.addFeed('alpha', 2);
  const one = await agent('a1', 1);
  await serve(one, cdn);
  const start = await one.nextStart('download');
  await one.verdict(start.job, refusal('http_403', cdn));
  expect(episodeLock('alpha', start.job.episode)).toMatchObject({ failures: 1 });
  expect(stateOf(cdn)).toBeUndefined();
});

test('what a newer version wrote of hosts stands in nobody’s way', async () => {
  const kv = world.nats.client('newer').kv(BUCKETS.state);
  const value = new TextEncoder().encode('{"shape":"new"}');
  await kv.cas(feedHostKey('alpha' as FeedId), 0, value);
  await kv.cas(hostKey(cdn), 0, value);
  await world.addFeed('alpha', 1);
  const one = await agent('a1', 1);
  const start = await one.nextStart('download');
  const answer = await one.verdict(start.job, refusal('http_429', cdn));
  expect(answer).toEqual({ kind: 'verdict', answer: 'noted' });
  expect(download('alpha', 0)?.lock).toMatchObject({ state: 'free', failures: 0 });
  // Nor is it overwritten.
  for (const key of [feedHostKey('alpha' as FeedId), hostKey(cdn)])
    expect(await kv.get(key)).toMatchObject({ kind: 'value', value });
});

test('a feed at several hosts has what each of them may give, and one that asks for patience keeps back its own alone', async () => {
  const hosts = ['one.example', 'two.example', 'two.example'];
  const [one, two] = hosts as [HostName, HostName];
  const named = (n: number) => `http://dts.podtrac.com/redirect.mp3/${hosts[n % 3]}/${n}.mp3`;
  const body = rss('alpha', 9).replace(/http:\/\/127\.0\.0\.1:9\/alpha\/(\d)\.mp3/g, (_, n) =>
    named(Number(n)),
  );
  world.feeds.set('/alpha', { status: 200, body });
  const double = await agent('a1', 9);
  await world.coordinator.orders.addFeeds([
    { url: world.url('/alpha'), title: null, bookScore: null, id: 'alpha' },
  ]);
  const running = () => downloadsByHost(snapshot());
  await world.until(() => running().get(one) === 2 && running().get(two) === 2);
  const start = await double.nextStart('download');
  const at = start.work.kind === 'download' && start.work.url.includes(one) ? one : two;
  const other = at === one ? two : one;
  // Its host sends to another one, which asks for patience: whatever names that host waits, and nothing else.
  await double.verdict(start.job, refusal('http_429', cdn));
  await world.until(() => stateOf(cdn)?.strikes === 1);
  expect(running().get(cdn)).toBe(1);
  expect(downloadHost(snapshot(), 'alpha' as FeedId, start.job.episode)).toBe(cdn);
  expect(running().get(other)).toBe(2);
});
