import { agentId } from '@podctl/domain/ids.ts';
import { invariant } from '@podctl/domain/result.ts';
import { createLogger } from '@podctl/platform/logger.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import { expect, onTestFinished, test } from 'vitest';
import { LeaderDouble } from '../../../../test/support/leader-double.ts';
import { recording } from '../../../../test/support/nvidia-smi.ts';
import { EXIT_GPU_LOST } from '../core/departure.ts';
import { sightOfQuery } from '../core/gpu-round.ts';
import { foldSight, type GpuSight, gpuLoss, gpuReport, UNSEEN } from '../core/gpu-state.ts';
import { job, SLOTS, workFor } from '../core/machine-example.ts';
import { returned } from '../core/outcome.ts';
import { Agent } from './agent.ts';

const named = agentId('local');
invariant(named.ok, 'an agent id');
const who = { agent: named.value, boot: 'b', host: 'h', version: '1', engine: 'e', slots: SLOTS };

test('a heartbeat tells of the GPUs; after a loss it names it, the work is handed back, and the agent ends with an error', async () => {
  const clock = new ManualClock();
  const onError = (error: unknown) => {
    throw error;
  };
  const nats = new MemoryNats(clock, { onError });
  onTestFinished(() => nats.stop());
  const leader = new LeaderDouble(nats.client('leader').bus, 'library');
  const begun = Promise.withResolvers<void>();
  const { lines, code } = await recording('tesla-t4');
  let state = foldSight(UNSEEN, sightOfQuery({ lines, code, stderr: '' }));
  const agent = new Agent({
    bus: nats.client('agent').bus,
    clock,
    random: () => 0.5,
    log: createLogger({ level: 'error', component: 'agent', terminal: false }),
    identity: who,
    journal: { open: async () => [], put: async () => {}, remove: async () => {} },
    workProblem: async () => null,
    workers: {
      score: async () => returned('It was given back.'),
      download: async () => returned('It was given back.'),
      transcribe: async (_assignment, { signal }) => {
        begun.resolve();
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
        return returned('It was cancelled.');
      },
    },
    describeEngine: () => 'e',
    gpus: () => gpuReport(state),
    observe: () => undefined,
  });
  onTestFinished(() => agent.stop());
  await agent.start();
  await clock.advance(200);
  await leader.welcomed();
  leader.start(job('transcribe', 1, 5), workFor('transcribe'));
  await begun.promise;
  await clock.advance(10_000);
  expect(leader.heartbeats.at(-1)).toMatchObject({
    problem: null,
    gpus: [{ product: 'Tesla T4', temperatureCelsius: 29 }],
    gpuProblem: null,
  });

  const gone: GpuSight = { kind: 'absent', reason: 'No devices were found' };
  state = foldSight(foldSight(state, gone), gone);
  agent.loseGpu(gpuLoss(state, true) ?? '');
  expect((await agent.ended).code).toBe(EXIT_GPU_LOST);
  expect(leader.heartbeats.at(-1)).toMatchObject({
    problem: expect.stringContaining('gpu_lost: GPU 0 (Tesla T4'),
    draining: true,
    gpus: [],
  });
  expect(leader.hellos.at(-1)).toMatchObject({
    kind: 'goodbye',
    reason: expect.stringContaining('gpu_lost'),
  });
});
