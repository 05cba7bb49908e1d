import type { FeedItem } from '@podctl/domain/feed/feed-document.ts';
import type { HostName } from '@podctl/domain/host-name.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { beforeEach, expect, test } from 'vitest';
import {
  downloadHost,
  episodeHosts,
  isMixed,
  noteAnswer,
  noteEpisodeHosts,
} from './episode-hosts.ts';
import { HostPace } from './host-pace.ts';
import { HostGate, plannedHosts } from './host-room.ts';
import { emptySnapshot, type Snapshot } from './snapshot.ts';

const feed = 'alpha' as FeedId;
const id = (n: number) => `e${n}` as EpisodeId;
const [a, b, cdn] = ['a.example', 'b.example', 'cdn.example'] as [HostName, HostName, HostName];
const listed = (...urls: readonly string[]) =>
  new Map(urls.map((enclosureUrl, n) => [id(n), { enclosureUrl } as FeedItem]));
function read(...urls: readonly string[]) {
  const steps = episodeHosts(listed(...urls));
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

let snapshot: Snapshot;
beforeEach(() => {
  snapshot = emptySnapshot();
});

test('of a feed at several hosts the usual one stands for most, behind known tracking prefixes', () => {
  const tracked = 'https://dts.podtrac.com/redirect.mp3/b.example/1.mp3';
  const hosts = read('http://a.example/0.mp3', tracked, 'http://a.example/2.mp3');
  expect(hosts).toEqual({ usual: a, others: new Map([[id(1), b]]), count: 2 });
  expect(read('http://a.example/0.mp3', 'http://a.example:81/1.mp3', 'no URL')).toBeNull();
});

test('each of its episodes is of its own host, and of the one that answers for that', () => {
  noteEpisodeHosts(
    snapshot,
    feed,
    read('http://a.example/0', 'http://a.example/1', 'http://b.example/2'),
  );
  const hosts = () => [0, 1, 2].map((n) => downloadHost(snapshot, feed, id(n)));
  expect([isMixed(snapshot, feed), hosts()]).toEqual([true, [a, a, b]]);
  noteAnswer(snapshot, feed, id(0), cdn);
  expect(hosts()).toEqual([cdn, cdn, b]);
  noteAnswer(snapshot, feed, id(1), a);
  expect(hosts()).toEqual([a, a, b]);
});

test('a feed at one host, and one of too many episodes, are known by the feed’s host', () => {
  noteEpisodeHosts(snapshot, feed, null);
  noteAnswer(snapshot, feed, id(0), cdn);
  expect([isMixed(snapshot, feed), snapshot.hostsBehind.size]).toEqual([false, 0]);
  const others = new Map(Array.from({ length: 100_001 }, (_, n) => [id(n), b] as const));
  noteEpisodeHosts(snapshot, feed, { usual: a, others, count: 2 });
  expect([isMixed(snapshot, feed), snapshot.episodeHosts.has(feed)]).toEqual([false, true]);
  expect(downloadHost(snapshot, feed, id(3))).toBeUndefined();
});

test('a plan gives of it what each host may have, and says why not more', () => {
  noteEpisodeHosts(
    snapshot,
    feed,
    read('http://a.example/0', 'http://a.example/1', 'http://b.example/2'),
  );
  const rules = {
    parallelMax: 1,
    limits: {},
    startsPerSecond: 9,
    coolDownFirstMs: 1,
    coolDownMaxMs: 1,
  };
  const gate = new HostGate(plannedHosts(snapshot, rules, new HostPace(9), 0));
  expect(gate.admits(feed)).toBe(true);
  const given = [0, 1, 2].filter((n) => {
    const isAdmitted = gate.admitsEpisode(feed, id(n));
    if (isAdmitted) gate.take(feed, id(n));
    return isAdmitted;
  });
  expect([given, gate.waiting.get(feed)]).toEqual([[0, 2], 'full']);
});
