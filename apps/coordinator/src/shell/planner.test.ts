import type { Epoch } from '@podctl/domain/ids.ts';
import type { SessionRecord } from '@podctl/domain/session.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CLUSTER, NONCE } from '../../../../test/support/hand-built-fleet.ts';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { foldCordon } from '../core/snapshot.ts';
import { Planner, type Rejected } from './planner.ts';

const AT_ONCE = 32;
let world: LeaderWorld;
let planner: Planner;
const rejected: Rejected[] = [];

beforeEach(async () => {
  world = await LeaderWorld.start();
  const { replica, log, client } = world;
  planner = new Planner({
    ...{ ...world.settle, replica, log, bus: client.bus, reports: new Map(), epoch: 1 as Epoch },
    limits: {
      downloadsMax: 100,
      transcribersMax: 'auto',
      multiWorkerMinEpisodes: 50,
      feedShareMax: 1,
    },
    ...{ model: 'tiny.en', language: null },
    planned: (_seconds, _entries, { conflict, closed }) => {
      rejected.push({ conflict, closed });
    },
  });
  rejected.length = 0;
});
afterEach(async () => {
  await planner.stop();
  world.stop();
});

it('an agent that is taken out while a plan is written gets no more of it', async () => {
  const { agent, replica, store } = world;
  const session: SessionRecord = {
    ...{ cluster: CLUSTER, nonce: NONCE, agent, boot: 'b', host: 'h', version: '0' },
    state: 'live',
    ...{ engine: '', slots: { download: 64, transcribe: 0 }, sinceMs: 0, session: 0 },
  };
  await store.casSession(session, 0);
  for (let n = 0; n < AT_ONCE + 8; n += 1) await world.episode(n);
  const cordon = { kind: 'cordoned', reason: '', by: '', sinceMs: 0, deadlineMs: null } as const;
  const stop = replica.listen({
    changed: (events) => {
      if (!events.some(({ type }) => type === 'job_assigned')) return;
      stop();
      const record = { ...cordon, cluster: CLUSTER, nonce: NONCE, agent };
      foldCordon(replica.snapshot, record, replica.snapshot.revision);
    },
  });
  await planner.start();
  await world.clock.advance(5_000);
  const given = world.history.filter(({ state }) => state.stages.download.lock.state === 'held');
  expect(given).toHaveLength(AT_ONCE);
  expect(rejected[0]).toEqual({ conflict: 0, closed: 8 });
});
