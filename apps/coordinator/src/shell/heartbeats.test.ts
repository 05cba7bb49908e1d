import { heartbeatSubject } from '@podctl/domain/key.ts';
import type { HeartbeatMessage } from '@podctl/domain/protocol.ts';
import { afterEach, expect, test } from 'vitest';
import { CoordinatorWorld } from '../../../../test/support/coordinator-world.ts';
import { agentViews } from '../core/view.ts';

let world: CoordinatorWorld;
afterEach(() => world.stop());

const gpu = {
  ...{ index: 0, uuid: 'GPU-1', product: 'Tesla T4', driver: '570.1', backend: 'cuda' },
  ...{ memorySizeBytes: 16e9, memoryUsedBytes: null, utilizationRatio: 0.5 },
  ...{ temperatureCelsius: 40, powerWatts: null },
};

test('the GPUs of a heartbeat are kept as they were told; one that is no heartbeat changes nothing', async () => {
  world = await CoordinatorWorld.start();
  const agent = world.agent('a1');
  await agent.hello();
  const bus = world.nats.client('a1-raw').bus;
  const { cluster } = world.coordinator.picture().snapshot;
  const beat = (fields: Partial<Record<keyof HeartbeatMessage, unknown>>) => {
    const who = { boot: agent.boot, cluster, session: agent.session, sequence: 1, tokens: [] };
    const message = { ...who, engine: 'e', problem: null, ...fields };
    bus.publish(heartbeatSubject(agent.id), Buffer.from(JSON.stringify(message)));
  };
  const seen = () => agentViews(world.coordinator.picture())[0];

  beat({ gpus: [gpu], gpuProblem: null });
  await world.until(() => seen()?.gpus.length === 1);
  expect(seen()).toMatchObject({ gpus: [gpu], gpuProblem: '' });

  // Each breaks one limit; the one after them all shows that they were passed over.
  for (const bad of [
    { gpus: Array.from({ length: 65 }, () => gpu) },
    { gpus: [{ ...gpu, product: 'x'.repeat(97) }] },
    { gpus: [{ ...gpu, utilizationRatio: 1.01 }] },
    { gpus: [{ ...gpu, powerWatts: '9' }] },
    { gpus: [{ ...gpu, memorySizeBytes: -1 }] },
    { gpus: 'all' },
  ])
    beat({ ...bad, engine: 'read all the same' });
  beat({ engine: 'an older agent' });
  await world.until(() => seen()?.engine !== 'e');
  expect(seen()).toMatchObject({ engine: 'an older agent', gpus: [], gpuProblem: '' });

  beat({ gpus: [], gpuProblem: 'No devices were found' });
  await world.until(() => seen()?.gpuProblem !== '');
  expect(seen()).toMatchObject({ gpus: [], gpuProblem: 'No devices were found' });

  const job = { feed: 'alpha', episode: 'e'.repeat(26), stage: 'transcribe', run: 1 };
  const held = { ...job, phase: 'running', progress: 0 };
  beat({
    tokens: [
      { ...held, token: 7, waiting: true },
      { ...held, token: 8 },
    ],
    ahead: 1,
  });
  const report = () => world.coordinator.picture().reports.get(agent.id);
  await world.until(() => report()?.ahead === 1);
  expect(report()?.begun).toEqual(new Set([8]));
});
