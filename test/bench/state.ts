/**
 * `npm run bench:state -- --feeds 1000 --episodes 1000`: the state of an archive of a million episodes, through the code
 * that a coordinator runs: bytes on disk, the time and memory of a cold start, the time of a plan.
 */
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { encodeEpisode } from '@podctl/domain/episode-codec.ts';
import { type EpisodeState, FRESH_LOCK, newEpisode } from '@podctl/domain/episode-state.ts';
import { firstRevision } from '@podctl/domain/first-revision.ts';
import {
  type AgentId,
  clusterIdFrom,
  episodeIdFrom,
  type FeedId,
  nonceFrom,
  type Token,
} from '@podctl/domain/ids.ts';
import { BUCKETS, CLUSTER_KEY, jobKey, sessionKey } from '@podctl/domain/key.ts';
import type { SessionRecord } from '@podctl/domain/session.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { openBucket } from '@podctl/platform/nats/bucket.ts';
import { connectNats } from '@podctl/platform/nats/connection.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { clusterRecord, sessionRecord } from '@podctl/platform/records.ts';
import { plan } from '../../apps/coordinator/src/core/plan.ts';
import { planView } from '../../apps/coordinator/src/core/plan-view.ts';
import { Replica } from '../../apps/coordinator/src/shell/replica.ts';
import { startNatsServer } from '../support/nats-server.ts';
import setup from '../support/toolchain-setup.ts';

const AT_ONCE = 512;
const AGENTS = 100;
const cluster = clusterIdFrom(new Uint8Array(10).fill(1));
const nonce = nonceFrom(new Uint8Array(10).fill(2));
/** As a coordinator numbers a new bucket today: tokens have thirteen digits. */
const FIRST = firstRevision(Date.UTC(2026, 10, 23));
const sha256 = (text: string) => createHash('sha256').update(text).digest();

async function connected(url: string) {
  const ports = { clock: systemClock, random: Math.random, listen: () => {} };
  const link = await connectNats(
    { servers: [url], name: 'bench', auth: { kind: 'none' } },
    ports,
    AbortSignal.timeout(10_000),
  );
  const bucket = await openBucket(
    link,
    { name: BUCKETS.state, replicas: 1, firstRevision: FIRST },
    systemClock,
    AbortSignal.timeout(10_000),
  );
  const onError = (error: unknown) => console.error(error);
  return { link, kv: natsKv(bucket, { clock: systemClock, random: Math.random, onError }) };
}

/** Of ten episodes: five transcribed, two downloaded, three fresh. */
function stateOf(n: number): EpisodeState {
  const fresh = newEpisode(cluster, nonce, 'poll');
  const done = (token: number) => ({
    wanted: 1,
    requests: ['poll'],
    lock: FRESH_LOCK,
    done: {
      run: 1,
      token: token as Token,
      manifest: {
        sha256: sha256(`${n}.${token}`).toString('hex'),
        files: 4,
        bytes: 40_000_000 + n,
        audioSeconds: 3_600.5,
      },
    },
  });
  if (n % 10 >= 7) return fresh;
  const download = { ...fresh.stages, download: done(FIRST + 2 * n + 1) };
  return {
    ...fresh,
    stages: n % 10 >= 5 ? download : { ...download, transcribe: done(FIRST + 2 * n + 2) },
  };
}

async function fill(url: string, feeds: number, episodes: number): Promise<void> {
  const { link, kv } = await connected(url);
  const encoder = new TextEncoder();
  let n = 0;
  const worker = async () => {
    while (n < feeds * episodes) {
      const i = n++;
      const feed = `feed-${Math.floor(i / episodes)}` as FeedId;
      const key = jobKey(feed, episodeIdFrom(sha256(`${feed}\n${i}`)));
      const written = await kv.cas(key, 0, encoder.encode(encodeEpisode(stateOf(i))));
      if (written.kind === 'unknown') throw written.cause;
      if (i % 100_000 === 0) console.log(`  written ${i}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await kv.cas(CLUSTER_KEY, 0, clusterRecord.encode({ cluster }));
  for (let i = 0; i < AGENTS; i += 1) {
    const record = agent(i);
    await kv.cas(sessionKey(record.agent), 0, sessionRecord.encode(record));
  }
  await link.close();
}

/** The same tail into nothing: what the fold is measured against. */
async function bareTail(url: string): Promise<void> {
  const began = performance.now();
  const { link, kv } = await connected(url);
  const current = Promise.withResolvers<void>();
  let entries = 0;
  const tail = kv.tail({
    entry: () => {
      entries += 1;
    },
    current: () => current.resolve(),
  });
  await tail.start();
  await current.promise;
  const loadedSeconds = (performance.now() - began) / 1_000;
  process.send?.({
    bare: true,
    entries,
    loadedSeconds,
    rssMegabytes: process.memoryUsage().rss / 1e6,
  });
  await tail.stop();
  await link.close();
  process.disconnect?.();
}

/** In a process of its own, so that its memory is its own. */
async function coldStart(url: string): Promise<void> {
  const began = performance.now();
  const { link, kv } = await connected(url);
  const replica = new Replica({ nowMs: () => Date.now(), rewound: () => {} });
  const tail = kv.tail(replica);
  await tail.start();
  await replica.loaded();
  const loadedMs = performance.now() - began;
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  const count = [...replica.snapshot.feeds.values()].reduce(
    (sum, { episodes }) => sum + episodes.size,
    0,
  );
  const plans = Array.from({ length: 20 }, () => onePlan(replica)).sort((a, b) => a.ms - b.ms);
  const middle = plans[10] ?? { ms: 0, given: 0 };
  process.send?.({
    episodes: count,
    loadedSeconds: loadedMs / 1_000,
    rssMegabytes: rss / 1e6,
    heapMegabytes: heapUsed / 1e6,
    heapBytesPerEpisode: heapUsed / count,
    planMs: middle.ms,
    planned: middle.given,
  });
  await tail.stop();
  await link.close();
  process.disconnect?.();
}

function onePlan({ snapshot }: Replica): { ms: number; given: number } {
  const began = performance.now();
  const limits = {
    downloadsMax: 400,
    transcribersMax: 'auto',
    multiWorkerMinEpisodes: 50,
    feedShareMax: 1,
  } as const;
  const given = plan(planView(snapshot, new Map(), Date.now()), limits).length;
  return { ms: performance.now() - began, given };
}

function agent(i: number): SessionRecord {
  const of = {
    host: 'h',
    version: '0',
    engine: '',
    boot: `b${i}`,
    state: 'live',
    sinceMs: 0,
    session: 0,
  } as const;
  return {
    ...of,
    cluster,
    nonce,
    agent: `gpu-${i}` as AgentId,
    slots: { download: 4, transcribe: 2 },
  };
}

async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

const { values } = parseArgs({
  options: {
    feeds: { type: 'string', default: '1000' },
    episodes: { type: 'string', default: '1000' },
    child: { type: 'string' },
    bare: { type: 'boolean', default: false },
  },
});
if (values.child !== undefined)
  await (values.bare ? bareTail(values.child) : coldStart(values.child));
else {
  await setup();
  const server = await startNatsServer({ syncInterval: '2m' });
  try {
    const began = performance.now();
    await fill(server.url, Number(values.feeds), Number(values.episodes));
    console.log(`filled in ${((performance.now() - began) / 1_000).toFixed(1)} s`);
    console.log(`store: ${((await bytesBelow(server.storeFolder)) / 1e6).toFixed(0)} MB`);
    // In turn, so that a slow minute of the machine is everybody's.
    for (let run = 0; run < 6; run += 1) {
      const args = ['--child', server.url, ...(run % 2 === 0 ? ['--bare'] : [])];
      const child = fork(import.meta.filename, args, { execArgv: ['--expose-gc'] });
      child.on('message', (figures) => console.log(JSON.stringify(figures)));
      await new Promise((resolve) => child.on('exit', resolve));
    }
  } finally {
    await server.stop();
  }
}
