import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@podctl/platform/clock.ts';
import { openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { natsBus } from '@podctl/platform/nats/bus.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { job } from '../../apps/agent/src/core/machine-example.ts';
import { runOnTerminal, type TerminalRun } from '../../apps/cli/test/terminal.ts';
import { LeaderDouble } from '../support/leader-double.ts';
import { startNatsServer, type TestNatsServer } from '../support/nats-server.ts';
import { familyOf, leftAfter } from './process-family.ts';
import { barePath, pythonRoot, UpRun } from './up-run.ts';

const CLOCK = new URL('../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url);
const STOP_MS_MAX = 10_000;
const GONE_MS_MAX = 5_000;
const TRANSCRIBING = /job-assigned .* transcribe/;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-shutdown-'));
});
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

describe('podctl up, stopped', () => {
  let run: UpRun;
  beforeEach(async () => {
    const { python, root } = pythonRoot();
    const env = {
      HOME: folder,
      PATH: await barePath(join(folder, 'bin'), python),
      PODCTL_PYTHON_ROOT: root,
      HF_HUB_OFFLINE: '1',
    };
    run = new UpRun(['--sample', '--data-dir', join(folder, 'data')], env, folder);
    await run.shows(/podctl is ready/);
    await run.shows(TRANSCRIBING);
  });
  afterEach(async () => {
    for (const { pid } of await run.family()) signal(pid, 'SIGKILL');
  });

  test.each([
    ['the engine was', 'whisper_engine.py', 'SIGKILL'],
    ['the agent was', 'agent/src/main.ts', 'SIGKILL'],
    ['the coordinator was', 'coordinator/src/main.ts', 'SIGKILL'],
    ['nats-server was', 'bin/nats-server', 'SIGKILL'],
    ['the agent is', 'agent/src/main.ts', 'SIGSTOP'],
  ] as const)(
    'when %s (%s) ended by %s, ends within 10 s and leaves no process',
    {
      timeout: 60_000,
    },
    async (_who, program, how) => {
      const pids = await run.pidsOf(program);
      expect(pids).not.toEqual([]);
      for (const pid of pids) signal(pid, how);
      const askedAtMs = performance.now();
      run.child.kill('SIGTERM');
      const end = await run.ended;
      expect(end.code, end.stderr).toBe(143);
      expect(performance.now() - askedAtMs).toBeLessThan(STOP_MS_MAX);
      expect(await run.leftAfter(GONE_MS_MAX)).toEqual([]);
    },
  );
});

describe('podctl agent run, on a terminal', () => {
  const download = job('download', 1, 5);
  let nats: TestNatsServer;
  let link: NatsLink;
  let leader: LeaderDouble;
  let host: Server;
  let audio: Buffer;
  let asked: PromiseWithResolvers<ServerResponse>;
  let run: TerminalRun;
  let mark: string;

  beforeEach(async () => {
    nats = await startNatsServer();
    audio = await readFile(CLOCK);
    asked = Promise.withResolvers();
    host = createServer((_request, response) => {
      response.writeHead(200, { 'content-length': String(audio.length) });
      response.write(audio.subarray(0, 150_000));
      asked.resolve(response);
    });
    host.listen(0, '127.0.0.1');
    await once(host, 'listening');
    const root = join(folder, 'library');
    await createLibrary(root);
    const options = { servers: [nats.url], name: 'leader', auth: { kind: 'none' } } as const;
    const ports = { clock: systemClock, random: Math.random, listen: () => undefined };
    link = await connectNats(options, ports, AbortSignal.timeout(10_000));
    const { id } = await openLibrary(root, null);
    const onError = (error: unknown) => {
      throw error;
    };
    leader = new LeaderDouble(natsBus(link.nc, onError), id);
    await link.nc.flush();
    const config = join(folder, 'podctl.yaml');
    await writeFile(
      config,
      [
        `nats: {url: "${nats.url}"}`,
        `library: {url: "file:${root}", freeFloor: 0B}`,
        'network: {allowPrivate: true}',
        'agent: {id: local}',
        '',
      ].join('\n'),
    );
    mark = folder;
    run = runOnTerminal(
      ['agent', 'run', '--config', config, '--data-dir', join(folder, 'data')],
      160,
      40,
      { PODCTL_PYTHON_ROOT: pythonRoot().root, PODCTL_E2E_MARK: mark, HF_HUB_OFFLINE: '1' },
    );
    await leader.welcomed();
    const episode = { feedTitle: 'Clocks', title: 'One', guid: 'g', publishedMs: null };
    const { port } = host.address() as AddressInfo;
    leader.start(download, { kind: 'download', url: `http://127.0.0.1:${port}/one.mp3`, episode });
    await asked.promise;
  });
  afterEach(async () => {
    for (const { pid } of await familyOf(mark)) signal(pid, 'SIGKILL');
    host.closeAllConnections();
    host.close();
    await link.close();
    await nats.stop();
  });

  test('Ctrl-C drains and says so; the rest of the download comes, and it exits 0', async () => {
    run.pty.write('\x03');
    await run.until(shows('draining: 1 job still runs, 0 s; Ctrl-C again hands them back now'));
    await beats(10);
    expect(leader.heartbeats.at(-1)).toMatchObject({ draining: true, tokens: [{ token: 5 }] });
    (await asked.promise).end(audio.subarray(150_000));
    expect(await run.ended).toBe(0);
    expect((await leader.result(download)).outcome.kind).toBe('finished');
    expect(await leftAfter(mark, GONE_MS_MAX)).toEqual([]);
  });

  test('a second Ctrl-C hands back what runs, and exits 0', async () => {
    run.pty.write('\x03');
    await run.until(shows('draining: 1 job still runs'));
    await beats(10);
    run.pty.write('\x03');
    expect(await run.ended).toBe(0);
    expect(leader.hellos.at(-1)).toMatchObject({ reason: 'the agent was stopped by SIGINT' });
    expect(leader.results).toEqual([]);
    expect(await leftAfter(mark, GONE_MS_MAX)).toEqual([]);
  });

  test('a TERM that reaches both processes, as from a service manager, is one request', async () => {
    for (const { pid } of await familyOf(mark)) signal(pid, 'SIGTERM');
    await run.until(shows('draining: 1 job still runs'));
    await beats(10);
    expect(leader.heartbeats.at(-1)).toMatchObject({ draining: true, tokens: [{ token: 5 }] });
    (await asked.promise).end(audio.subarray(150_000));
    expect(await run.ended).toBe(0);
    expect((await leader.result(download)).outcome.kind).toBe('finished');
  });

  test.each([false, true])(
    'podctl killed -9 takes the agent along (amid a drain: %s)',
    async (draining) => {
      if (draining) {
        run.pty.write('\x03');
        await run.until(shows('draining: 1 job still runs'));
      }
      const closed = once(await asked.promise, 'close');
      run.pty.kill('SIGKILL');
      await closed;
      expect(await leftAfter(mark, STOP_MS_MAX)).toEqual([]);
    },
  );

  /** So many heartbeats, ten a second: a signal after them is another request. */
  async function beats(more: number): Promise<void> {
    const count = leader.heartbeats.length;
    await leader.until(() => leader.heartbeats.length > count + more || null);
  }
});

function shows(text: string): (rows: string[]) => boolean {
  return (rows) => rows.some((row) => row.includes(text));
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended meanwhile.
  }
}
