import { agentId } from '@podctl/domain/ids.ts';
import { resultSubject } from '@podctl/domain/key.ts';
import type { ResultMessage, ResultReply } from '@podctl/domain/protocol.ts';
import { invariant } from '@podctl/domain/result.ts';
import { createLogger } from '@podctl/platform/logger.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import { resultMessage, resultReply } from '@podctl/platform/wire.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { finished, job, sessionOf, world } from '../core/machine-example.ts';
import { tokenKey } from '../core/token-key.ts';
import { Results } from './results.ts';

const named = agentId('local');
invariant(named.ok, 'an agent id');
const agent = named.value;
const pending = { cluster: world, job: job('download', 1, 5), outcome: finished() };
const key = tokenKey(world, pending.job);

let clock: ManualClock;
let nats: MemoryNats;
let results: Results;
let settled: string[];
let asked: { atMs: number; message: ResultMessage }[];
let unanswered: number;
beforeEach(() => {
  clock = new ManualClock();
  nats = new MemoryNats(clock, {
    onError: (error) => {
      throw error;
    },
  });
  settled = [];
  asked = [];
  unanswered = 0;
  results = new Results({
    bus: nats.client('agent').bus,
    clock,
    random: () => 0.5,
    log: createLogger({ level: 'error', component: 'agent', terminal: false }),
    agent,
    boot: 'b',
    settled: (settledKey, answer) => void settled.push(`${settledKey} ${answer}`),
    unanswered: () => {
      unanswered += 1;
    },
  });
});
afterEach(async () => {
  await results.stop();
  nats.stop();
  expect(clock.sleeping()).toBe(0);
});

describe('asking for a verdict', () => {
  test('asks again with growing waits while nobody listens or the leader says later, and settles once', async () => {
    results.ask(key, sessionOf(7), pending);
    await clock.advance(400);
    leader([{ kind: 'later', reason: 'the library is offline' }, verdict]);
    await clock.advance(60_000);
    expect(asked.map(({ atMs }) => atMs)).toEqual([500, 1_500]);
    expect(asked[0]?.message).toEqual({ boot: 'b', session: sessionOf(7), ...pending });
    expect(settled).toEqual([`${key} accepted`]);
    expect(unanswered).toBe(2);
  });

  test('asks at once when there is a new leader, whether it waits or an old question hangs', async () => {
    const deaf = nats.client('dead leader').bus.subscribe(resultSubject(agent), () => {});
    results.ask(key, sessionOf(7), pending);
    await clock.advance(3_000);
    deaf.stop();
    leader([{ kind: 'later', reason: 'so' }, verdict]);
    results.askAgain();
    await clock.advance(100);
    results.askAgain();
    await clock.advance(1);
    expect(asked.map(({ atMs }) => atMs)).toEqual([3_000, 3_100]);
    expect(settled).toEqual([`${key} accepted`]);
  });

  test('never waits longer than 15 s and a quarter', async () => {
    leader(Array.from({ length: 20 }, () => ({ kind: 'later', reason: 'so' })));
    results.ask(key, sessionOf(7), pending);
    await clock.advance(300_000);
    const waits = asked.slice(1).map(({ atMs }, index) => atMs - (asked[index]?.atMs ?? 0));
    expect(waits.slice(0, 6)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000]);
    expect(Math.max(...waits)).toBe(15_000);
  });

  test('a question in a newer session ends the older one', async () => {
    results.ask(key, sessionOf(7), pending);
    results.ask(key, sessionOf(8), pending);
    leader([verdict, verdict]);
    await clock.advance(60_000);
    expect(asked.map(({ message }) => message.session)).toEqual([8]);
    expect(settled).toHaveLength(1);
  });

  test('a dropped question is asked no more', async () => {
    results.ask(key, sessionOf(7), pending);
    await clock.advance(100);
    results.drop(key);
    leader([verdict]);
    await clock.advance(60_000);
    expect(asked).toEqual([]);
  });

  test('an answer that cannot be read is none', async () => {
    const { bus } = nats.client('leader');
    bus.subscribe(resultSubject(agent), (message) => message.respond(Buffer.from('yes')));
    results.ask(key, sessionOf(7), pending);
    await clock.advance(1_000);
    expect(settled).toEqual([]);
    expect(unanswered).toBe(2);
  });
});

const verdict: ResultReply = { kind: 'verdict', answer: 'accepted' };

/** Answers one request after the other. */
function leader(replies: ResultReply[]): void {
  const { bus } = nats.client('leader');
  bus.subscribe(resultSubject(agent), (message) => {
    const decoded = resultMessage.decode(message.data);
    invariant(decoded.ok, 'the agent speaks the protocol');
    asked.push({ atMs: clock.monotonicMs(), message: decoded.value });
    const reply = resultReply.encode(replies.shift() ?? { kind: 'later', reason: 'no more' });
    invariant(reply.ok, 'a reply can be sent');
    message.respond(reply.value);
  });
}
