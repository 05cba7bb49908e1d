import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { Watch } from '../failpoint/watch.ts';
import { HostProcess, type LogLine } from '../hosts/host-process.ts';
import { type Host, hostsProblem, Network } from '../hosts/network.ts';
import { pythonRoot } from './up-run.ts';

const PODCTL = fileURLToPath(new URL('../../apps/cli/bin/podctl.js', import.meta.url));
const CLIP = new URL('../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url);
const EPISODES = 6;
const FEED_PORT = 8_081;
/** What the issue allows for the whole of it, with the packages cached. */
const JOINED_WITHIN_MS = 120_000;
const OUT_WITHIN_MS = 5_000;
/** Covers a folder for one program and its children: what is in it is not there for them, as on another machine. */
const HIDE = 'mount -t tmpfs podctl-test "$1" && shift && exec "$@"';

const problem = await hostsProblem();
if (problem !== null)
  process.stderr.write(`SKIPPED: joining from a second host, since ${problem}\n`);

const watch = new Watch();
const processes: HostProcess[] = [];
let folder: string;
let fleet: string;
let machine: string;
let network: Network;
let first: Host;
let second: Host;
let site: Server;

beforeAll(async () => {
  if (problem !== null) return;
  folder = await mkdtemp(join(tmpdir(), 'podctl-second-host-'));
  fleet = join(folder, 'fleet');
  machine = join(folder, 'machine');
  network = await Network.create();
  first = await network.host('a1', 2);
  second = await network.host('b1', 3);
  site = await podcastSite(network.address);
  await mkdir(fleet);
  await writeFile(join(fleet, 'podctl.yaml'), fleetSettings(first.address));
  await mkdir(join(machine, 'data'), { recursive: true });
  await writeFile(join(machine, 'data', 'agent.yaml'), machineSettings);
  await mkdir(join(machine, 'bin'));
  await program('podctl', `exec ${process.execPath} ${PODCTL} "$@"`);
  await program('sudo', 'exec "$@"');
});

afterAll(async () => {
  if (problem !== null) return;
  for (const one of processes.reverse()) await one.end('SIGTERM').catch(() => undefined);
  site.closeAllConnections();
  site.close();
  await network.destroy();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

test.skipIf(problem !== null)(
  'the printed line, pasted on an empty host, makes it an agent that works; removed, it is out within 5 s and its job goes elsewhere',
  { timeout: 240_000 },
  async () => {
    onTestFailed(() => {
      for (const { name, said: lines } of processes)
        process.stderr.write(
          `${name}:\n${lines
            .slice(-40)
            .map(({ text }) => `  ${text}\n`)
            .join('')}`,
        );
    });
    const up = started(first, 'up', ['up']);
    await said(up, /Other machines can join/);
    const { line, tokenText } = await printedLine();
    const pastedMs = performance.now();
    const joiner = new HostProcess('joiner', second, pasted(line), watch);
    processes.push(joiner);
    joiner.start();
    await said(joiner, /self-test/i);

    await podctl('feed', 'add', `http://${network.address}:${FEED_PORT}/feed.xml`);
    const events = started(first, 'watch', ['watch', '-o', 'jsonl', '--until', 'done']);
    const seen = (type: string, agent: string, stage = '') =>
      events.said.filter(({ fields }) => isEvent(fields, type, agent, stage));
    const by = (type: string) => () => (seen(type, 'far', 'transcribe').length > 0 ? true : null);
    await watch.until('an episode that the new agent transcribed', by('job-done'), 120_000);
    const tookMs = performance.now() - pastedMs;
    expect(tookMs).toBeLessThan(JOINED_WITHIN_MS);

    const begun = () => seen('job-assigned', 'far', 'transcribe').map(episodeOf);
    const unfinished = () => {
      const done = new Set(seen('job-done', 'far', 'transcribe').map(episodeOf));
      return begun().filter((episode) => !done.has(episode));
    };
    await watch.until('its next one', () => (unfinished().length > 0 ? true : null), 60_000);
    const removedMs = performance.now();
    await podctl('agent', 'remove', 'far', '--yes');
    const isOut = () => (seen('agent-left', 'far').length > 0 ? true : null);
    await watch.until('its end', isOut, OUT_WITHIN_MS);
    const outMs = performance.now() - removedMs;
    expect(await watch.until('the end of its process', () => joiner.ended, 30_000)).toBe('4');
    process.stderr.write(
      `joined and transcribed in ${(tookMs / 1_000).toFixed(0)} s; out after ${(outMs / 1_000).toFixed(1)} s\n`,
    );

    expect(await watch.until('the rest, done elsewhere', () => events.ended, 120_000)).toBe('0');
    const elsewhere = seen('job-done', 'near', 'transcribe').map(episodeOf);
    expect(unfinished().length).toBeGreaterThan(0);
    expect(elsewhere).toEqual(expect.arrayContaining(unfinished()));
    expect(new Set([...elsewhere, ...begun()]).size).toBe(EPISODES);
    for (const { said: lines } of processes)
      expect(lines.some(({ text }) => text.includes(tokenText))).toBe(false);
  },
);

function isEvent(fields: Record<string, unknown>, type: string, agent: string, stage: string) {
  return (
    fields.type === type && fields.agentId === agent && (stage === '' || fields.stage === stage)
  );
}

function episodeOf({ fields }: LogLine): unknown {
  return fields.episodeId;
}

function environment(home: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    HOME: home,
    XDG_CONFIG_HOME: join(home, 'config'),
    PODCTL_PYTHON_ROOT: pythonRoot().root,
    HF_HUB_OFFLINE: '1',
  };
}

function started(host: Host, name: string, args: readonly string[]): HostProcess {
  const command = {
    command: 'sh',
    args: [
      '-c',
      `cd ${fleet} && exec "$@"`,
      'sh',
      process.execPath,
      PODCTL,
      ...args,
      '--data-dir',
      join(fleet, 'data'),
    ],
    env: environment(fleet),
  };
  const one = new HostProcess(name, host, command, watch);
  processes.push(one);
  one.start();
  return one;
}

/** On the fleet's host; gives what it said. */
async function podctl(...args: string[]): Promise<string> {
  const one = started(first, args.join(' '), args);
  const end = await watch.until(`podctl ${args.join(' ')}`, () => one.ended, 60_000);
  const text = one.said.map((line) => line.text).join('\n');
  expect(end, text).toBe('0');
  processes.splice(processes.indexOf(one), 1);
  return text;
}

async function printedLine() {
  const text = await podctl('agent', 'token', 'create', '--name', 'far', '--print-command');
  const line = text.split('\n').find((one) => one.includes('printf')) ?? '';
  const [tokenText = ''] = /pj1\.[\w.-]+/.exec(line) ?? [];
  expect(line).toContain('agent install --join-file -');
  return { line, tokenText };
}

/** As somebody types it on the other host, which has nothing of the fleet's. */
function pasted(line: string) {
  return {
    command: 'sh',
    args: ['-c', HIDE, 'sh', fleet, 'sh', '-c', line],
    env: {
      ...environment(machine),
      PATH: `${join(machine, 'bin')}:${process.env.PATH}`,
      PODCTL_DATA_DIR: join(machine, 'data'),
    },
  };
}

async function said(one: HostProcess, pattern: RegExp): Promise<void> {
  await watch.until(
    `${pattern} of ${one.name}`,
    () => {
      if (one.said.some(({ text }) => pattern.test(text))) return true;
      if (one.ended === null) return null;
      throw new Error(
        `${one.name} ended with ${one.ended}:\n${one.said.map(({ text }) => text).join('\n')}`,
      );
    },
    JOINED_WITHIN_MS,
  );
}

async function program(name: string, text: string): Promise<void> {
  const path = join(machine, 'bin', name);
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
}

function fleetSettings(address: string): string {
  return [
    `nats: {listen: "${address}:4222"}`,
    `coordinator: {advertise: "${address}", bytes: {listen: "${address}:7071"}}`,
    'agent: {id: near}',
    'network: {allowPrivate: true}',
    'library: {freeFloor: 0B}',
    'retry: {backoffFirst: 100ms}',
    '',
  ].join('\n');
}

const machineSettings = [
  'agent: {id: far, http: {listen: "127.0.0.1:9091"}}',
  'network: {allowPrivate: true}',
  'library: {freeFloor: 0B}',
  '',
].join('\n');

async function podcastSite(address: string): Promise<Server> {
  const audio = await readFile(CLIP);
  const items = Array.from({ length: EPISODES }, (_, i) => {
    const url = `http://${address}:${FEED_PORT}/${i}.mp3`;
    return `<item><guid>${i}</guid><title>Clock ${i}</title><enclosure url="${url}" type="audio/mpeg" length="${audio.length}"/></item>`;
  });
  const server = createServer((request, response) => {
    if (request.url?.endsWith('.mp3') === true) return void response.end(audio);
    response.setHeader('content-type', 'application/rss+xml');
    response.end(
      `<?xml version="1.0"?><rss version="2.0"><channel><title>Clocks</title>${items.join('')}</channel></rss>`,
    );
  });
  await new Promise<void>((resolve) => server.listen(FEED_PORT, address, resolve));
  return server;
}
