import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AgentBootstrap } from '@podctl/platform/bootstrap.ts';
import { spawnChild } from '@podctl/platform/child/child-process.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { loadSettings } from '@podctl/platform/config/load.ts';
import { openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { natsBus } from '@podctl/platform/nats/bus.ts';
import { connectNats } from '@podctl/platform/nats/connection.ts';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { LeaderDouble } from '../../../../test/support/leader-double.ts';
import { startNatsServer, type TestNatsServer } from '../../../../test/support/nats-server.ts';
import { replayedNvidiaSmi } from '../../../../test/support/nvidia-smi.ts';
import { EXIT_GPU_LOST } from '../core/departure.ts';
import { job, workFor } from '../core/machine-example.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const PRODUCT = 'NVIDIA GeForce RTX 4090';

let nats: TestNatsServer;

beforeAll(async () => {
  nats = await startNatsServer();
});
afterAll(() => nats.stop());

test('the agent’s process finds nvidia-smi on its PATH, tells of the GPUs, and ends when they are gone', async () => {
  const { leader, agent, replay, endpointFile } = await agentBeside('rtx-4090-two', 'auto');
  const gpus = await leader.until(() => {
    const seen = leader.heartbeats.at(-1)?.gpus ?? [];
    return seen.length > 0 ? seen : null;
  });
  expect(gpus).toMatchObject([{ product: PRODUCT }, { product: PRODUCT, driver: '550.127.05' }]);
  const { http } = JSON.parse(await readFile(endpointFile, 'utf8'));
  const page = await (await fetch(`http://${http}/metrics`)).text();
  expect(page).toContain(
    `podctl_gpu_info{agent="local",gpu="1",uuid="GPU-a4b1a2cc-90e0-cb4f-bb10-8ee5f0b0a7e3",product="${PRODUCT}",driver="550.127.05",backend="cuda"} 1`,
  );
  expect(page).toMatch(/podctl_gpu_power_watts\{agent="local",gpu="1"\} \d/);

  await replay('no-devices');
  const exit = await agent.exited;
  expect(exit.code).toBe(EXIT_GPU_LOST);
  expect(leader.heartbeats.at(-1)).toMatchObject({
    problem: expect.stringContaining('gpu_lost: GPU 0'),
    draining: true,
  });
  expect(leader.hellos.at(-1)).toMatchObject({ kind: 'goodbye' });
});

test('one that may use the GPU only takes no work while its driver is broken, says why, and works once it is mended', async () => {
  const { leader, replay } = await agentBeside('version-mismatch', 'cuda');
  const told = () => leader.heartbeats.at(-1)?.problem ?? null;
  const problem = 'no GPU can be used: Failed to initialize NVML: Driver/library version mismatch';
  expect(await leader.until(told)).toContain(problem);
  leader.start(job('transcribe', 1, 5), workFor('transcribe'));
  expect((await leader.result(job('transcribe', 1, 5))).outcome).toMatchObject({
    ...{ kind: 'failed', code: 'agent_problem', returned: true, final: false },
    reason: expect.stringContaining(problem),
  });
  await replay('rtx-4090-two');
  expect(await leader.until(() => (told() === null ? true : null))).toBe(true);
});

/** The agent's process, a leader to hear it, and a stand-in for nvidia-smi on its PATH. */
async function agentBeside(replayed: string, device: 'auto' | 'cuda') {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-gpu-agent-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await createLibrary(join(folder, 'library'));
  const { id } = await openLibrary(join(folder, 'library'), null);
  const options = { servers: [nats.url], name: 'leader', auth: { kind: 'none' } } as const;
  const ports = { clock: systemClock, random: Math.random, listen: () => undefined };
  const link = await connectNats(options, ports, AbortSignal.timeout(10_000));
  onTestFinished(() => link.close());
  const leader = new LeaderDouble(natsBus(link.nc, fail), id);
  await link.nc.flush();
  const { env, replay } = await replayedNvidiaSmi(folder, replayed);
  const bootstrapFile = await told(folder, device);
  const agent = await spawnChild({
    name: 'agent',
    command: process.execPath,
    args: [MAIN],
    tie: 'node',
    env: { ...env, NVIDIA_SMI_ENDS: '1', PODCTL_AGENT_BOOTSTRAP: bootstrapFile },
    stdout: 'log',
    log: () => undefined,
  });
  onTestFinished(async () => {
    agent.kill();
    await agent.exited;
  });
  return { leader, agent, replay, endpointFile: join(folder, 'endpoint.json') };
}

/** The file that tells the agent's process all it needs. */
async function told(folder: string, device: 'auto' | 'cuda'): Promise<string> {
  await mkdir(join(folder, 'state'), { recursive: true });
  const overrides = { library: { freeFloor: '0B' }, transcribe: { device } };
  const settings = await loadSettings({ file: null, dataDir: folder, version: 'test', overrides });
  const bootstrap: AgentBootstrap = {
    settings,
    nats: { servers: [nats.url], as: { kind: 'nobody' }, ca: null },
    libraryRoot: join(folder, 'library'),
    stateDir: join(folder, 'state'),
    httpListen: { host: '127.0.0.1', port: 0 },
    metricsTokenFile: null,
    endpointFile: join(folder, 'endpoint.json'),
    agentId: 'local',
    coordinators: [],
    credentialFile: null,
    drainMs: 0,
    pythonPath: 'no-python',
    engineScript: 'no-engine',
  };
  const file = join(folder, 'bootstrap.json');
  await writeFile(file, JSON.stringify(bootstrap));
  return file;
}

function fail(error: unknown): never {
  throw error;
}
