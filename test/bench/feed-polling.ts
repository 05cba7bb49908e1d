/**
 * `npm run bench:feeds`, or alone: polls 10,000 feeds of 100 episodes each that answer "unchanged" (304), through a real
 * coordinator and a real nats-server, beside a bare loop of undici over the same URLs. The host is 100 addresses of
 * loopback, each with 100 feeds. `--feeds`, `--episodes` and `--runs` take other numbers.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { encodeEpisode } from '@podctl/domain/episode-codec.ts';
import { type EpisodeState, FRESH_LOCK, newEpisode } from '@podctl/domain/episode-state.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import { firstRevision } from '@podctl/domain/first-revision.ts';
import {
  clusterIdFrom,
  episodeIdFrom,
  type FeedId,
  nonceFrom,
  type Token,
} from '@podctl/domain/ids.ts';
import { BUCKETS, CLUSTER_KEY, feedKey, jobKey } from '@podctl/domain/key.ts';
import { byStage } from '@podctl/domain/stage.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { openBucket } from '@podctl/platform/nats/bucket.ts';
import { connectNats } from '@podctl/platform/nats/connection.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { clusterRecord, feedRecord } from '@podctl/platform/records.ts';
import { Agent } from 'undici';
import { Fleet } from '../integration/backup-fleet.ts';
import { startNatsServer } from '../support/nats-server.ts';
import setup from '../support/toolchain-setup.ts';

const HOSTS = 100;
const WRITES_AT_ONCE = 512;
/** As many as the poller has places. */
const BARE_AT_ONCE = 48;
const ETAG = '"a feed that does not change"';
const FIRST = firstRevision(Date.UTC(2026, 10, 23));
const cluster = clusterIdFrom(new Uint8Array(10).fill(1));
const nonce = nonceFrom(new Uint8Array(10).fill(2));
const sha256 = (text: string) => createHash('sha256').update(text).digest();
const { values } = parseArgs({
  options: {
    feeds: { type: 'string', default: '10000' },
    episodes: { type: 'string', default: '100' },
    runs: { type: 'string', default: '3' },
    as: { type: 'string', default: 'bench' },
    port: { type: 'string', default: '0' },
  },
});
const FEEDS = Number(values.feeds);
const feedOf = (n: number) => `feed-${n}` as FeedId;
const urlOf = (n: number, port: number) => `http://127.0.1.${1 + (n % HOSTS)}:${port}/${n}.xml`;

/** Answers 304 to whoever knows the ETag; tells how many it did. */
async function host(): Promise<void> {
  let unchanged = 0;
  let port = 0;
  for (let i = 1; i <= HOSTS; i += 1) {
    const server = createServer((request, response) => {
      const isKnown = request.headers['if-none-match'] === ETAG;
      unchanged += Number(isKnown);
      response.writeHead(isKnown ? 304 : 404, { etag: ETAG }).end();
    });
    server.listen(port, `127.0.1.${i}`);
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  }
  process.on('disconnect', () => process.exit());
  process.on('message', () => {
    process.send?.({ unchanged });
    unchanged = 0;
  });
  process.send?.({ port });
}

/** The same requests with nothing else: what the poller is measured against. */
async function bare(port: number): Promise<void> {
  const agent = new Agent({ connections: 4 });
  const began = performance.now();
  let n = 0;
  const worker = async () => {
    while (n < FEEDS) {
      const { origin, pathname: path } = new URL(urlOf(n++, port));
      const headers = { 'if-none-match': ETAG, 'user-agent': 'bare' };
      const { body, statusCode } = await agent.request({ origin, path, method: 'GET', headers });
      if (statusCode !== 304) throw new Error(`the host answered ${statusCode}`);
      await body.dump();
    }
  };
  await Promise.all(Array.from({ length: BARE_AT_ONCE }, worker));
  process.send?.({ seconds: (performance.now() - began) / 1_000 });
  await agent.destroy();
  process.disconnect?.();
}

async function connected(url: string) {
  const ports = { clock: systemClock, random: Math.random, listen: () => {} };
  const signal = AbortSignal.timeout(30_000);
  const who = { servers: [url], name: 'bench', auth: { kind: 'none' } } as const;
  const link = await connectNats(who, ports, signal);
  const options = { name: BUCKETS.state, replicas: 1, firstRevision: FIRST };
  const bucket = await openBucket(link, options, systemClock, signal);
  const kv = natsKv(bucket, { ...ports, onError: (error) => console.error(error) });
  return { link, kv };
}

/** Done, so that the planner has nothing to do with it. */
function doneEpisode(): EpisodeState {
  const manifest = {
    sha256: sha256('x').toString('hex'),
    files: 4,
    bytes: 4e7,
    audioSeconds: 3600,
  };
  const done = { run: 1, token: FIRST as Token, manifest };
  const stage = { wanted: 1, requests: ['poll'], lock: FRESH_LOCK, done };
  return { ...newEpisode(cluster, nonce, 'poll'), stages: byStage(() => stage) };
}

async function each(count: number, write: (i: number) => Promise<unknown>): Promise<void> {
  let n = 0;
  const worker = async () => {
    while (n < count) await write(n++);
  };
  await Promise.all(Array.from({ length: WRITES_AT_ONCE }, worker));
}

async function fillEpisodes(url: string): Promise<void> {
  const { link, kv } = await connected(url);
  const value = new TextEncoder().encode(encodeEpisode(doneEpisode()));
  const episodes = Number(values.episodes);
  await kv.cas(CLUSTER_KEY, 0, clusterRecord.encode({ cluster }));
  await each(FEEDS * episodes, async (i) => {
    const feed = feedOf(Math.floor(i / episodes));
    const written = await kv.cas(jobKey(feed, episodeIdFrom(sha256(`${feed}\n${i}`))), 0, value);
    if (written.kind === 'unknown') throw written.cause;
  });
  await link.close();
}

/** All of them due at once, read before, with the ETag that the host knows. */
async function makeDue(url: string, port: number): Promise<void> {
  const { link, kv } = await connected(url);
  await each(FEEDS, async (n) => {
    const record: FeedRecord = {
      ...{
        cluster,
        nonce,
        feed: feedOf(n),
        url: urlOf(n, port),
        formerUrls: [],
        title: `Feed ${n}`,
      },
      ...{ addedMs: 1, bookScore: null, generation: 1, etag: ETAG, lastModified: null },
      ...{ lastSuccessMs: 1, failures: 0, nextPollMs: 0, problem: null, listed: 100 },
    };
    await kv.put(feedKey(record.feed), feedRecord.encode(record));
  });
  await link.close();
}

/** Seconds until every feed's record says that it was read, and by when. */
async function untilPolled(
  url: string,
): Promise<{ seconds: () => number; done: Promise<void>; close(): Promise<void> }> {
  const { link, kv } = await connected(url);
  const [current, done] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const polled = new Set<FeedId>();
  let firstMs = 0;
  let lastMs = 0;
  const tail = kv.tail({
    entry: (entry) => {
      if (entry.kind !== 'value' || !entry.key.startsWith('feed.')) return;
      const record = feedRecord.decode(entry.value);
      if (!record.ok || record.value.polling?.came !== 'unchanged') return;
      firstMs ||= performance.now();
      polled.add(record.value.feed);
      lastMs = performance.now();
      if (polled.size === FEEDS) done.resolve();
    },
    current: () => current.resolve(),
  });
  await tail.start();
  await current.promise;
  return {
    seconds: () => (lastMs - firstMs) / 1_000,
    done: done.promise,
    close: async () => {
      await tail.stop();
      await link.close();
    },
  };
}

async function answer(child: ChildProcess, question?: string): Promise<Record<string, number>> {
  if (question !== undefined) child.send(question);
  const [message] = await once(child, 'message');
  return message as Record<string, number>;
}

const self = (as: string, port = 0) =>
  fork(import.meta.filename, ['--as', as, '--port', String(port), '--feeds', values.feeds]);

/** Of the coordinator, the largest that it was. */
async function peakMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1_000;
}

async function bench(): Promise<void> {
  await setup();
  const folder = await mkdtemp(join(tmpdir(), 'podctl-polling-'));
  const nats = await startNatsServer({ syncInterval: '2m' });
  const web = self('host');
  const { port = 0 } = await answer(web);
  try {
    await fillEpisodes(nats.url);
    // As `podctl up` has it: what is measured is written through.
    await nats.restart(undefined, 'always');
    for (let run = 0; run < Number(values.runs); run += 1) {
      const peer = self('bare', port);
      const { seconds: bareSeconds = 0 } = await answer(peer);
      await once(peer, 'exit');
      await answer(web, 'count');
      await makeDue(nats.url, port);
      const polls = await untilPolled(nats.url);
      const fleet = new Fleet(folder);
      await fleet.startCoordinator(nats.url, /"leading"/);
      await polls.done;
      const { unchanged = 0 } = await answer(web, 'count');
      const seconds = polls.seconds();
      const peak = await peakMegabytes(fleet.pids()[0] ?? 0);
      await fleet.stop();
      await polls.close();
      console.log(
        `${FEEDS} feeds of ${values.episodes} episodes, ${unchanged} answers of 304: ${seconds.toFixed(1)} s, ` +
          `${(FEEDS / seconds).toFixed(0)} a second; bare undici ${bareSeconds.toFixed(1)} s; ratio ${(seconds / bareSeconds).toFixed(1)}; ` +
          `coordinator at most ${peak.toFixed(0)} MB`,
      );
    }
  } finally {
    web.kill();
    await nats.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

if (values.as === 'host') await host();
else if (values.as === 'bare') await bare(Number(values.port));
else await bench();
