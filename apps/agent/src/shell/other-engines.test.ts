import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { agentId } from '@podctl/domain/ids.ts';
import { invariant } from '@podctl/domain/result.ts';
import { loadSettings } from '@podctl/platform/config/load.ts';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { silentLog } from '../../../../test/support/silent-log.ts';
import type { AgentConfig } from '../config.ts';
import { makeEngines } from './engines.ts';

const AUDIO = fileURLToPath(
  new URL('../../../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url),
);
const never = new AbortController().signal;
const unseen = { gpus: [], gpuProblem: null, engineChoice: '' };
let folder: string;
let told: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-other-'));
  told = 0;
});
afterEach(() => rm(folder, { recursive: true }));

async function made(overrides: Record<string, unknown>) {
  const settings = await loadSettings({ file: null, dataDir: folder, version: 't', overrides });
  const agent = agentId('local');
  invariant(agent.ok, 'an agent id');
  const config: AgentConfig = {
    ...{ settings, agent: agent.value, agentId: 'local', host: 'h', os: 'linux', arch: 'x64' },
    nats: { servers: [], as: { kind: 'nobody' }, ca: null },
    ...{ version: 't', libraryRoot: folder, stateDir: join(folder, 'state') },
    httpListen: { host: '127.0.0.1', port: 0 },
    ...{ metricsTokenFile: null, endpointFile: null, coordinators: [], credentialFile: null },
    ...{ drainMs: 0, pythonPath: 'none', engineScript: '/none/whisper_engine.py' },
  };
  const starved = () => {
    told += 1;
  };
  const engines = await makeEngines(config, silentLog, starved, never);
  onTestFinished(async () => {
    await Promise.all(engines.all.map((engine) => engine.stop()));
    await engines.close();
  });
  return engines;
}

test('a program is one engine, or as many as are set, needs no GPU, and begins in an empty folder', async () => {
  await mkdir(join(folder, 'state', 'engine-runs', 'run-left'), { recursive: true });
  const transcribe = { command: ['whisper-cli', '{wav}'] };
  const { all, needsGpu, report } = await made({ agent: { engine: 'command' }, transcribe });
  expect({ count: all.length, needsGpu }).toEqual({ count: 1, needsGpu: false });
  expect(report(unseen).engineChoice).toBe(
    'the program whisper-cli (transcribe.command), 1 at a time',
  );
  expect(all[0]?.describe()).toBe('whisper-cli');
  expect(await readdir(join(folder, 'state', 'engine-runs'))).toEqual([]);
  const agent = { engine: 'command', slots: { transcribe: 3 } };
  expect((await made({ agent, transcribe })).all).toHaveLength(3);
});

test('a server that asks one slot for patience gets no work from the agent, which says why', async () => {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(429, { 'retry-after': '600' }).end();
  });
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`;
  const transcribe = { openai: { url, model: 'large' } };
  const { all, starved, report } = await made({ agent: { engine: 'openai' }, transcribe });
  const [one, other] = all;
  invariant(one !== undefined && other !== undefined, 'two slots');
  const words = `the server at ${url.slice(0, -1)} (transcribe.openai.url), 2 at a time`;
  expect(report(unseen).engineChoice).toBe(words);
  expect(one.modelDefault).toBe('large');
  expect(starved()).toBeNull();
  await one.load('large', never);
  const heard = await one.transcribe({ audioPath: AUDIO, language: null }, () => undefined, never);
  expect(heard).toMatchObject({ ok: false, error: { code: 'endpoint_busy' } });
  expect(starved()).toContain('asks for patience (429)');
  expect(told).toBe(1);
  expect(other.restMs).toBeGreaterThan(0);
  expect(await other.load('large', never)).toMatchObject({ error: { code: 'endpoint_busy' } });
});
