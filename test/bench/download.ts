/**
 * `npm run bench:download`: the agent's own downloader (Range and validators, hash, checks, fsync, manifest) against curl,
 * which only writes, from a host in another process of this machine: capped to 1 Gbit/s, and as fast as it goes; one file,
 * and 30 at once from 30 addresses. `--runs`, `--mb` (of each measure). Without curl the comparison is left out, and said.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { agentId, type Token } from '@podctl/domain/ids.ts';
import { invariant } from '@podctl/domain/result.ts';
import { guardedAgent } from '@podctl/platform/address-guard.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { job, sessionOf, ticket, world } from '../../apps/agent/src/core/machine-example.ts';
import { Bandwidth } from '../../apps/agent/src/shell/bandwidth.ts';
import { DiskReserve } from '../../apps/agent/src/shell/disk-reserve.ts';
import { downloadWorker } from '../../apps/agent/src/shell/download.ts';
import { MountedStore } from '../../apps/agent/src/shell/mounted-store.ts';
import { PartFiles } from '../../apps/agent/src/shell/part-files.ts';
import { silentLog } from '../support/silent-log.ts';

const GIGABIT = 125_000_000;
const HOSTS = 30;
const MIB = 1024 * 1024;
/** An hour at 128 kbit/s. */
const EPISODE_BYTES = 57_600_000;

// As the CLI starts an agent (apps/cli/src/up/file-threads.ts); Node reads it before anything else.
if (process.env.UV_THREADPOOL_SIZE === undefined) {
  const env = { ...process.env, UV_THREADPOOL_SIZE: '16' };
  const again = [...process.execArgv, ...process.argv.slice(1)];
  process.exit(spawnSync(process.execPath, again, { env, stdio: 'inherit' }).status ?? 1);
}

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '3' }, mb: { type: 'string', default: '600' } },
});
const runs = Number(values.runs);
const bytes = Number(values.mb) * 1_000_000;
const folder = await mkdtemp(join(tmpdir(), 'podctl-bench-download-'));
const host = await startHost();
const hasCurl = spawnSync('curl', ['--version']).status === 0;
if (!hasCurl) console.log('curl is not on this machine: IT IS LEFT OUT, and nothing is compared');

async function startHost() {
  const script = new URL('byte-host.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, String(GIGABIT)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface(child.stdout), 'line');
  return { port: Number(line), child };
}

/** With what an agent has for its downloads, on a library in a folder of the temporary disk. */
async function downloader() {
  const root = join(folder, 'library');
  await rm(root, { recursive: true, force: true });
  await createLibrary(root);
  const library = await openLibrary(root, null);
  const agent = agentId('bench');
  invariant(agent.ok, 'an agent id');
  const store = new MountedStore(library, agent.value, 0);
  const connect = { allowPrivate: true, connectTimeoutMs: 5_000, connectionsMax: HOSTS + 1 };
  const dispatcher = guardedAgent(connect);
  const clock = systemClock;
  const parts = { ...store.parts, clock, ageMsMax: 1e9, bytesMax: 1e12 };
  const worker = downloadWorker({
    ...{ store, clock, dispatcher, agent: agent.value, userAgent: 'podctl-bench' },
    parts: new PartFiles(parts),
    disk: new DiskReserve(() => store.freeBytes(), 1e9),
    bandwidth: new Bandwidth(clock, null),
    limits: {
      ...{ floorBytes: 100_000, bytesMax: 1e12, idleMs: 30_000, totalMs: 600_000, spaceWaitMs: 0 },
      rate: { bytesPerSecondMin: 1_000, windowMs: 60_000 },
    },
    received: () => undefined,
  });
  return { worker, dispatcher };
}

type Measure = (urls: readonly string[]) => Promise<void>;

const ours: Measure = async (urls) => {
  const { worker, dispatcher } = await downloader();
  const episode = { feedTitle: 'Bench', title: 'One', guid: null, publishedMs: null };
  const began = urls.map((url, i) => {
    const of = job('download', 1, 5);
    const named = { ...of, episode: numbered(of.episode, i), token: (i + 1) as Token };
    const work = { kind: 'download', url, episode } as const;
    const assignment = { cluster: world, session: sessionOf(7), job: named, work, ticket };
    const signal = new AbortController().signal;
    return worker(assignment, { signal, progress: () => undefined, log: silentLog });
  });
  for (const outcome of await Promise.all(began))
    if (outcome.kind !== 'finished') throw new Error(outcome.reason);
  await dispatcher.destroy();
};

/** Another episode's id of the same form. */
function numbered(episode: ReturnType<typeof job>['episode'], i: number): typeof episode {
  const digits = i.toString(2).padStart(5, '0').replaceAll('0', 'a').replaceAll('1', 'b');
  return `${episode.slice(0, -5)}${digits}` as typeof episode;
}

const curl: Measure = async (urls) => {
  const ends = urls.map(async (url, i) => {
    const child = spawn('curl', ['-sf', '-o', join(folder, `curl-${i}`), url]);
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`curl ended with ${code}`);
  });
  await Promise.all(ends);
};

async function mibPerSecond(measure: Measure, kind: string, count: number): Promise<number> {
  const each = count === 1 ? bytes : EPISODE_BYTES;
  const urls = Array.from(
    { length: count },
    (_, i) => `http://127.0.0.${i + 1}:${host.port}/${kind}/${each}`,
  );
  const began = performance.now();
  await measure(urls);
  return (each * count) / MIB / ((performance.now() - began) / 1_000);
}

const median = (figures: readonly number[]) =>
  [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? 0;

async function compare(name: string, kind: string, count: number): Promise<void> {
  const [own, peer]: [number[], number[]] = [[], []];
  let cpuSeconds = 0;
  const movedBytes = runs * (count === 1 ? bytes : count * EPISODE_BYTES);
  for (let run = 0; run < runs; run += 1) {
    if (hasCurl) peer.push(await mibPerSecond(curl, kind, count));
    const before = process.cpuUsage();
    own.push(await mibPerSecond(ours, kind, count));
    const { user, system } = process.cpuUsage(before);
    cpuSeconds += (user + system) / 1e6;
  }
  const figures = (all: readonly number[]) => all.map((one) => one.toFixed(0)).join(', ');
  const ratio = hasCurl ? `${(median(own) / median(peer)).toFixed(2)} of curl` : 'curl left out';
  const cost = `${((cpuSeconds / movedBytes) * 1e9).toFixed(1)} s of a core a GB`;
  console.log(
    `${name}: ${median(own).toFixed(0)} MiB/s (${figures(own)}), ${ratio} (${figures(peer)}), ${cost}`,
  );
}

console.log(`${runs} runs of ${bytes / 1e6} MB each, load ${loadavg()[0]?.toFixed(1)}`);
try {
  await compare('1 Gbit/s, one file', 'capped', 1);
  await compare(`1 Gbit/s, ${HOSTS} from ${HOSTS} hosts`, 'capped', HOSTS);
  await compare('no cap, one file', 'free', 1);
  await compare(`no cap, ${HOSTS} from ${HOSTS} hosts`, 'free', HOSTS);
} finally {
  host.child.stdin.end();
  await rm(folder, { recursive: true });
}
console.log(`load ${loadavg()[0]?.toFixed(1)}`);
