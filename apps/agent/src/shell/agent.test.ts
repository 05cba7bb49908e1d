import { agentId } from '@podctl/domain/ids.ts';
import type { ResultMessage } from '@podctl/domain/protocol.ts';
import { invariant } from '@podctl/domain/result.ts';
import { createLogger } from '@podctl/platform/logger.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LeaderDouble } from '../../../../test/support/leader-double.ts';
import { job, SLOTS, workFor } from '../core/machine-example.ts';
import { failure, returned } from '../core/outcome.ts';
import { Agent } from './agent.ts';

const named = agentId('local');
invariant(named.ok, 'an agent id');
const identity = { agent: named.value, boot: 'b', host: 'h', version: '1', engine: 'e' };
const failed = job('download', 1, 5);

let clock: ManualClock;
let nats: MemoryNats;
let leader: LeaderDouble;
let agent: Agent;
let problem: string | null;
beforeEach(async () => {
  clock = new ManualClock();
  const onError = (error: unknown) => {
    throw error;
  };
  nats = new MemoryNats(clock, { onError });
  leader = new LeaderDouble(nats.client('leader').bus, 'library');
  problem = null;
  agent = new Agent({
    bus: nats.client('agent').bus,
    clock,
    random: () => 0.5,
    log: createLogger({ level: 'error', component: 'agent', terminal: false }),
    identity: { ...identity, slots: SLOTS },
    journal: { open: async () => [], put: async () => {}, remove: async () => {} },
    workProblem: async () => problem,
    workers: {
      score: async () => returned('It was given back.'),
      download: async () => failure('http_404', 'It is not there.'),
      transcribe: async () => returned('It was given back.'),
    },
    describeEngine: () => 'e',
    observe: () => undefined,
  });
  await agent.start();
  await clock.advance(200);
  await leader.welcomed();
});
afterEach(async () => {
  await agent.stop();
  nats.stop();
});

const saidGoodbye = () => leader.hellos.some(({ kind }) => kind === 'goodbye');
const later = { kind: 'later', reason: 'not now' } as const;

describe('a goodbye', () => {
  test('waits until the leader has heard of what failed: else it would be handed back as unharmed', async () => {
    leader.verdict = () => later;
    leader.start(failed, workFor('download'));
    await leader.result(failed);
    agent.leave();
    const heard: boolean[] = [];
    leader.verdict = (result: ResultMessage) => {
      heard.push(result.outcome.kind === 'failed' && !saidGoodbye());
      return { kind: 'verdict', answer: 'noted' };
    };
    await clock.advance(100);
    expect(saidGoodbye()).toBe(false);
    await clock.advance(1_000);
    expect(heard).toEqual([true]);
    expect((await agent.ended).code).toBe(0);
  });

  test('waits no longer than two seconds', async () => {
    leader.verdict = () => later;
    leader.start(failed, workFor('download'));
    await leader.result(failed);
    agent.leave();
    await clock.advance(1_990);
    expect(saidGoodbye()).toBe(false);
    await clock.advance(20);
    expect(saidGoodbye()).toBe(true);
  });

  test('does not wait for what is only given back', async () => {
    leader.verdict = () => later;
    const back = job('transcribe', 1, 5);
    leader.start(back, workFor('transcribe'));
    await leader.result(back);
    agent.leave();
    await clock.advance(1);
    expect(saidGoodbye()).toBe(true);
  });
});

test('an agent with a problem says so before it hands a job back', async () => {
  problem = 'The disk is full.';
  await clock.advance(10_000);
  const beats = leader.heartbeats.length;
  let beatsBefore = 0;
  leader.verdict = () => {
    beatsBefore = leader.heartbeats.length - beats;
    return { kind: 'verdict', answer: 'noted' };
  };
  leader.start(failed, workFor('download'));
  expect((await leader.result(failed)).outcome).toMatchObject({ reason: problem, returned: true });
  expect(beatsBefore).toBe(1);
  expect(leader.heartbeats.at(-1)).toMatchObject({ problem });
});
