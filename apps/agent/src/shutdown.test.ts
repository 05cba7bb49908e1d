import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Work } from '@podctl/domain/protocol.ts';
import { invariant } from '@podctl/domain/result.ts';
import type { AgentBootstrap } from '@podctl/platform/bootstrap.ts';
import { type Child, spawnChild } from '@podctl/platform/child/child-process.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { loadSettings } from '@podctl/platform/config/load.ts';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { natsBus } from '@podctl/platform/nats/bus.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LeaderDouble } from '../../../test/support/leader-double.ts';
import { startNatsServer, type TestNatsServer } from '../../../test/support/nats-server.ts';
import { job } from './core/machine-example.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const ENGINE = fileURLToPath(new URL('../../../test/support/held-engine.ts', import.meta.url));
const CLOCK = new URL('../../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url);
const LONG_MS = 600_000;

/** A request for audio that has half of it, and gets the rest when the test says so. */
interface HeldDownload {
  readonly response: ServerResponse;
  readonly closed: Promise<unknown>;
}

let nats: TestNatsServer;
let folder: string;
let audio: Buffer;
let host: Server;
let asked: PromiseWithResolvers<HeldDownload>;
let library: FileLibrary;
let link: NatsLink;
let leader: LeaderDouble;
const agents: AgentRun[] = [];

beforeEach(async () => {
  nats = await startNatsServer();
  audio = await readFile(CLOCK);
  asked = Promise.withResolvers();
  host = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': String(audio.length) });
    response.write(audio.subarray(0, 150_000));
    asked.resolve({ response, closed: once(response, 'close') });
  });
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  folder = await mkdtemp(join(tmpdir(), 'podctl-shutdown-'));
  await createLibrary(join(folder, 'library'));
  library = await openLibrary(join(folder, 'library'), null);
  const options = { servers: [nats.url], name: 'leader', auth: { kind: 'none' } } as const;
  const ports = { clock: systemClock, random: Math.random, listen: () => undefined };
  link = await connectNats(options, ports, AbortSignal.timeout(10_000));
  leader = new LeaderDouble(
    natsBus(link.nc, (error) => {
      throw error;
    }),
    library.id,
  );
  await link.nc.flush();
});
afterEach(async () => {
  for (const { child } of agents.splice(0)) await child.stop({ graceMs: 0 });
  host.closeAllConnections();
  host.close();
  await link.close();
  await nats.stop();
  await rm(folder, { recursive: true, force: true });
});

const transcription = job('transcribe', 1, 6);
const download = job('download', 2, 7);
const late = job('transcribe', 3, 8);

describe('an agent that is asked to stop', () => {
  test('drains: it finishes what runs, hands back what still comes, heartbeats, and then says goodbye and exits 0', async () => {
    const { agent, engine } = await transcribing(LONG_MS);
    process.kill(agent.child.pid, 'SIGTERM');
    await beat((heartbeat) => heartbeat.draining === true);
    leader.start(late, await transcribeOf('tiny.en'));
    expect((await leader.result(late)).outcome).toMatchObject({
      kind: 'failed',
      code: 'draining',
      returned: true,
    });
    const count = leader.heartbeats.length;
    await leader.until(() => leader.heartbeats.length > count + 3 || null);
    expect(leader.heartbeats.at(-1)).toMatchObject({
      draining: true,
      problem: null,
      tokens: [{ token: 6, phase: 'running' }],
    });
    await agent.says(/draining: 1 job still runs, 0 s/);
    process.kill(engine, 'SIGUSR2');
    expect((await agent.child.exited).code).toBe(0);
    expect((await leader.result(transcription)).outcome.kind).toBe('finished');
    expect(goodbye()).toMatchObject({ finished: [], reason: 'the agent has drained' });
    await gone(engine);
  });

  test('a second signal amid the drain hands back what runs, with the reason, and leaves no engine', async () => {
    const { agent, engine } = await transcribing(LONG_MS);
    process.kill(agent.child.pid, 'SIGTERM');
    await drained(agent);
    process.kill(agent.child.pid, 'SIGINT');
    expect((await agent.child.exited).code).toBe(0);
    expect(goodbye()?.reason).toBe('the agent was stopped by SIGINT');
    expect(leader.results).toEqual([]);
    await gone(engine);
  });

  test('what does not end within the drain time is handed back, with the reason', async () => {
    const { agent, engine } = await transcribing(1_000);
    process.kill(agent.child.pid, 'SIGTERM');
    expect((await agent.child.exited).code).toBe(0);
    expect(goodbye()?.reason).toBe('it did not end within the 1 s that the agent drained');
    await gone(engine);
  });

  test('the engine killed -9 amid the drain: its job fails, and the agent goes', async () => {
    const { agent, engine } = await transcribing(LONG_MS);
    leader.verdict = () => ({ kind: 'verdict', answer: 'noted' });
    process.kill(agent.child.pid, 'SIGTERM');
    await drained(agent);
    process.kill(engine, 'SIGKILL');
    expect((await agent.child.exited).code).toBe(0);
    expect((await leader.result(transcription)).outcome).toMatchObject({ code: 'engine_died' });
    expect(goodbye()?.reason).toBe('the agent has drained');
  });

  test.each([
    ['at once, without a drain time', 0],
    ['at the second signal', LONG_MS],
  ])(
    'while the engine loads its model, it goes %s, and the engine with it',
    async (_when, drainMs) => {
      const agent = await startAgent(drainMs);
      leader.start(transcription, await transcribeOf('held'));
      const engine = await agent.pidOf(/engine (\d+) loads held/);
      process.kill(agent.child.pid, 'SIGTERM');
      if (drainMs > 0) {
        await drained(agent);
        process.kill(agent.child.pid, 'SIGTERM');
      }
      expect((await agent.child.exited).code).toBe(0);
      expect(goodbye()?.reason).toBe('the agent was stopped by SIGTERM');
      await gone(engine);
    },
  );

  test('it finishes a download that runs', async () => {
    const { agent, held } = await downloading();
    process.kill(agent.child.pid, 'SIGTERM');
    await drained(agent);
    held.response.end(audio.subarray(150_000));
    expect((await agent.child.exited).code).toBe(0);
    expect((await leader.result(download)).outcome.kind).toBe('finished');
  });

  test('a second signal amid a download ends it, and leaves nothing of it', async () => {
    const { agent, held } = await downloading();
    process.kill(agent.child.pid, 'SIGTERM');
    await drained(agent);
    process.kill(agent.child.pid, 'SIGTERM');
    await held.closed;
    expect((await agent.child.exited).code).toBe(0);
    expect(leader.results).toEqual([]);
    expect(await library.list('staging', 10)).toEqual([]);
  });

  test('it ends though NATS was killed amid the drain, once it is asked again', async () => {
    const { agent, engine } = await transcribing(LONG_MS);
    process.kill(agent.child.pid, 'SIGTERM');
    await drained(agent);
    await nats.stop();
    await agent.says(/Disconnected from NATS/);
    process.kill(agent.child.pid, 'SIGTERM');
    expect((await agent.child.exited).code).toBe(0);
    await gone(engine);
  });

  test('at a closed terminal nobody waits for a drain: what runs is handed back', async () => {
    const { agent, engine } = await transcribing(LONG_MS);
    process.kill(agent.child.pid, 'SIGHUP');
    expect((await agent.child.exited).code).toBe(0);
    expect(goodbye()?.reason).toBe('the agent was stopped by SIGHUP');
    await gone(engine);
  });
});

test('an agent killed -9 takes its engine and its downloads along', async () => {
  const { agent, engine } = await transcribing(LONG_MS);
  leader.start(download, downloadWork());
  const held = await asked.promise;
  process.kill(agent.child.pid, 'SIGKILL');
  await held.closed;
  await gone(engine);
});

class AgentRun {
  readonly child: Child;
  readonly #lines: string[];
  readonly #heard: Set<() => void>;

  constructor(child: Child, lines: string[], heard: Set<() => void>) {
    this.child = child;
    this.#lines = lines;
    this.#heard = heard;
  }

  says(pattern: RegExp): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const look = () => {
      const found = pattern.exec(this.#lines.join('\n'));
      if (found === null) return;
      this.#heard.delete(look);
      resolve(found);
    };
    this.#heard.add(look);
    look();
    void this.child.exited.then(() => reject(new Error(this.#lines.join('\n'))));
    return promise;
  }

  async pidOf(pattern: RegExp): Promise<number> {
    return Number((await this.says(pattern))[1]);
  }
}

async function startAgent(drainMs: number): Promise<AgentRun> {
  const path = join(folder, 'bootstrap.json');
  await mkdir(join(folder, 'state'), { recursive: true });
  const overrides = { network: { allowPrivate: true }, library: { freeFloor: '0B' } };
  const settings = await loadSettings({ file: null, dataDir: folder, version: 'test', overrides });
  const bootstrap: AgentBootstrap = {
    settings,
    nats: { servers: [nats.url], as: { kind: 'nobody' }, ca: null },
    libraryRoot: library.root,
    stateDir: join(folder, 'state'),
    httpListen: { host: '127.0.0.1', port: 0 },
    endpointFile: null,
    metricsTokenFile: null,
    credentialFile: null,
    agentId: 'local',
    coordinators: [],
    drainMs,
    pythonPath: process.execPath,
    engineScript: ENGINE,
  };
  await writeFile(path, JSON.stringify(bootstrap));
  const lines: string[] = [];
  const heard = new Set<() => void>();
  const child = await spawnChild({
    name: 'agent',
    command: process.execPath,
    args: [MAIN],
    tie: 'node',
    env: { ...process.env, PODCTL_AGENT_BOOTSTRAP: path },
    stdout: 'log',
    log: (line) => {
      lines.push(line);
      for (const look of [...heard]) look();
    },
  });
  const run = new AgentRun(child, lines, heard);
  agents.push(run);
  await leader.welcomed();
  return run;
}

/** An agent whose engine is at work, until SIGUSR2. */
async function transcribing(drainMs: number): Promise<{ agent: AgentRun; engine: number }> {
  const agent = await startAgent(drainMs);
  leader.start(transcription, await transcribeOf('tiny.en'));
  const engine = await agent.pidOf(/engine (\d+) is at work/);
  return { agent, engine };
}

async function downloading(): Promise<{ agent: AgentRun; held: HeldDownload }> {
  const agent = await startAgent(LONG_MS);
  leader.start(download, downloadWork());
  const held = await asked.promise;
  await beat(({ tokens }) => (tokens[0]?.progress ?? 0) > 0);
  return { agent, held };
}

/** It drains, and so long that the next signal is another request. */
async function drained(agent: AgentRun): Promise<void> {
  await agent.says(/draining: /);
  const count = leader.heartbeats.length;
  // Ten a second: well past what is taken for the same request.
  await leader.until(() => leader.heartbeats.length > count + 6 || null);
}

function beat(holds: (heartbeat: (typeof leader.heartbeats)[number]) => boolean): Promise<true> {
  return leader.until(() => {
    const newest = leader.heartbeats.at(-1);
    return newest !== undefined && holds(newest) ? true : null;
  });
}

function goodbye() {
  const last = leader.hellos.at(-1);
  return last?.kind === 'goodbye' ? last : null;
}

/** The kernel tells nobody but its parent that a process ended. */
async function gone(pid: number): Promise<void> {
  const isAlive = async () => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    return stat !== '' && !/\) [ZX] /.test(stat);
  };
  await vi.waitFor(async () => expect(await isAlive()).toBe(false), {
    timeout: 10_000,
    interval: 50,
  });
}

function downloadWork(): Work {
  const address = host.address();
  invariant(typeof address === 'object' && address !== null, 'the server listens');
  const episode = { feedTitle: 'Clocks', title: 'One', guid: 'g', publishedMs: null };
  return { kind: 'download', url: `http://127.0.0.1:${address.port}/one.mp3`, episode };
}

async function transcribeOf(model: string): Promise<Work> {
  const audioPath = 'episodes/sample/audio.mp3';
  if ((await library.stat(audioPath)) === null)
    await library.write(audioPath, chunks(), AbortSignal.timeout(5_000));
  const { sha256: audioSha256 } = await library.hash(audioPath, AbortSignal.timeout(5_000));
  return { kind: 'transcribe', audioPath, audioSha256, audioSeconds: 4, model, language: null };
}

async function* chunks() {
  yield audio;
}
