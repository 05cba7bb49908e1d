/**
 * `npm run bench:watch -- --feeds 10000 --rate 500 --seconds 20`: the live table in real processes. How long from an event
 * in the coordinator to the frame that shows it, what watch costs when nothing happens, and what a hundred watchers cost
 * the coordinator.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type IPty, spawn } from '@lydell/node-pty';

const { values } = parseArgs({
  options: {
    feeds: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '20' },
    runs: { type: 'string', default: '3' },
    watchers: { type: 'string', default: '100' },
    /** `screen` or `watchers`: only that half. */
    only: { type: 'string', default: '' },
  },
});
const [feeds, rate, seconds, runs, watchers] = [
  values.feeds,
  values.rate,
  values.seconds,
  values.runs,
  values.watchers,
].map(Number) as [number, number, number, number, number];

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const PODCTL = file('../../apps/cli/bin/podctl.js');
/** As the kernel counts the time of a process, on all Linux that Node runs on. */
const TICKS_A_SECOND = 100;
const SETTLE_MS = 3_000;

interface Frame {
  readonly atMs: number;
  /** When the newest event that it shows happened. */
  readonly newestMs: number;
}

const nowMs = () => performance.timeOrigin + performance.now();

async function host(): Promise<{ child: ChildProcess; address: string }> {
  const child = fork(file('watch-host.ts'), [String(feeds)]);
  const [message] = await once(child, 'message');
  return { child, address: (message as { address: string }).address };
}

function watch(address: string, frames: Frame[]): IPty {
  const pty = spawn(process.execPath, [PODCTL, 'watch', '--server', address], {
    cols: 140,
    rows: 40,
    env: { ...process.env, LANG: 'C.UTF-8' },
  });
  pty.onData((data) => {
    const newestMs = Math.max(0, ...[...data.matchAll(/at=(\d+\.?\d*)/g)].map((m) => Number(m[1])));
    if (newestMs > 0) frames.push({ atMs: nowMs(), newestMs });
  });
  return pty;
}

/** Share of one core that a process took while the seconds went by. */
async function cpuOf(pid: number, ms: number): Promise<number> {
  const ticks = () => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  const [before, beganAtMs] = [ticks(), performance.now()];
  await delay(ms);
  return (ticks() - before) / TICKS_A_SECOND / ((performance.now() - beganAtMs) / 1_000);
}

function residentMb(pid: number): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1]) / 1_000;
}

/** Of each event between the first and the last frame: until the first frame that is as new as it. */
function latencies(frames: readonly Frame[]): number[] {
  const found: number[] = [];
  const stepMs = 1_000 / rate;
  let seenMs = frames[0]?.newestMs ?? 0;
  for (const { atMs, newestMs } of frames.slice(1)) {
    for (let eventMs = seenMs + stepMs; eventMs <= newestMs; eventMs += stepMs)
      found.push(atMs - eventMs);
    seenMs = Math.max(seenMs, newestMs);
  }
  return found.sort((a, b) => a - b);
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

async function screenRun() {
  const { child, address } = await host();
  const frames: Frame[] = [];
  const pty = watch(address, frames);
  await delay(SETTLE_MS);
  const idle = await cpuOf(pty.pid, seconds * 1_000);
  const idleMb = residentMb(pty.pid);
  child.send({ perSecond: rate });
  await delay(SETTLE_MS);
  frames.length = 0;
  const busy = await cpuOf(pty.pid, seconds * 1_000);
  const found = latencies(frames);
  const busyMb = residentMb(pty.pid);
  pty.kill();
  child.disconnect();
  await once(child, 'exit');
  return {
    p50: percentile(found, 0.5),
    p99: percentile(found, 0.99),
    frames: frames.length / seconds,
    idle,
    busy,
    idleMb,
    busyMb,
  };
}

async function watchersRun(perSecond: number) {
  const { child, address } = await host();
  const pid = child.pid ?? 0;
  child.send({ perSecond });
  await delay(SETTLE_MS);
  const alone = await cpuOf(pid, seconds * 1_000);
  const many = fork(file('watchers.ts'), [address, String(watchers)]);
  await once(many, 'message');
  await delay(SETTLE_MS);
  const watched = await cpuOf(pid, seconds * 1_000);
  const mb = residentMb(pid);
  many.disconnect();
  await once(many, 'exit');
  child.disconnect();
  await once(child, 'exit');
  return { alone, watched, mb };
}

function median(found: readonly number[]): number {
  return [...found].sort((a, b) => a - b)[Math.floor(found.length / 2)] ?? Number.NaN;
}

function tell(name: string, found: readonly number[], unit: string, digits = 0): void {
  const all = found.map((one) => one.toFixed(digits)).join(', ');
  console.log(`${name.padEnd(58)} ${median(found).toFixed(digits)} ${unit}  (${all})`);
}

const percent = (shares: readonly number[]) => shares.map((share) => share * 100);
console.log(
  `${feeds} feeds, ${rate} events a second, ${seconds} s each; load average before: ${loadavg()[0]?.toFixed(1)}`,
);
if (values.only !== 'watchers') await tellScreens();
if (values.only !== 'screen') for (const perSecond of [0, 10, rate]) await tellWatchers(perSecond);
console.log(`load average after: ${loadavg()[0]?.toFixed(1)}`);

async function tellScreens(): Promise<void> {
  const screens = [];
  for (let run = 0; run < runs; run += 1) screens.push(await screenRun());
  tell(
    'event to painted frame, median',
    screens.map((one) => one.p50),
    'ms',
  );
  tell(
    'event to painted frame, 99th percentile',
    screens.map((one) => one.p99),
    'ms',
  );
  tell(
    'frames a second',
    screens.map((one) => one.frames),
    '',
    1,
  );
  tell('watch, nothing happens, of a core', percent(screens.map((one) => one.idle)), '%', 1);
  tell('watch, busy, of a core', percent(screens.map((one) => one.busy)), '%', 1);
  tell(
    'watch, memory, nothing happens',
    screens.map((one) => one.idleMb),
    'MB',
  );
  tell(
    'watch, memory, busy',
    screens.map((one) => one.busyMb),
    'MB',
  );
}

async function tellWatchers(perSecond: number): Promise<void> {
  const found = [];
  for (let run = 0; run < runs; run += 1) found.push(await watchersRun(perSecond));
  const at = `${perSecond} events/s`;
  tell(
    `coordinator, nobody watches, ${at}, of a core`,
    percent(found.map((one) => one.alone)),
    '%',
    1,
  );
  tell(
    `coordinator, ${watchers} watch, ${at}, of a core`,
    percent(found.map((one) => one.watched)),
    '%',
    1,
  );
  tell(
    `coordinator, memory, ${watchers} watch, ${at}`,
    found.map((one) => one.mb),
    'MB',
  );
}
