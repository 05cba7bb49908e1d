import { agentId } from '@podctl/domain/ids.ts';
import {
  commandSubject,
  heartbeatSubject,
  helloSubject,
  ROLL_CALL_SUBJECT,
} from '@podctl/domain/key.ts';
import type { HeartbeatMessage, HelloMessage, HelloReply } from '@podctl/domain/protocol.ts';
import { invariant } from '@podctl/domain/result.ts';
import type { Bus } from '@podctl/platform/bus.ts';
import { createLogger } from '@podctl/platform/logger.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import {
  commandMessage,
  heartbeatMessage,
  helloMessage,
  helloReply,
} from '@podctl/platform/wire.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AgentInput } from '../core/agent-state.ts';
import { job, SLOTS, sessionOf, world } from '../core/machine-example.ts';
import { type Pulse, SessionLink } from './session.ts';

const named = agentId('local');
invariant(named.ok, 'an agent id');
const agent = named.value;
const limits = { heartbeatMs: 5_000, lostAfterMs: 30_000, library: 'l' };
const welcome: HelloReply = { kind: 'welcome', cluster: world, session: sessionOf(7), ...limits };

let clock: ManualClock;
let nats: MemoryNats;
let leader: Bus;
let link: SessionLink;
let inputs: AgentInput[];
let pulse: Pulse | null;
let hellos: { atMs: number; message: HelloMessage }[];
let beats: { atMs: number; message: HeartbeatMessage }[];
let rollCalls: number;
beforeEach(() => {
  rollCalls = 0;
  clock = new ManualClock();
  nats = new MemoryNats(clock, {
    onError: (error) => {
      throw error;
    },
  });
  leader = nats.client('leader').bus;
  inputs = [];
  pulse = null;
  hellos = [];
  beats = [];
  link = new SessionLink({
    bus: nats.client('agent').bus,
    clock,
    random: () => 0.5,
    log: createLogger({ level: 'error', component: 'agent', terminal: false }),
    identity: { agent, boot: 'b', host: 'h', version: '1', engine: 'e', slots: SLOTS },
    pulse: () => pulse,
    input: (input) => {
      inputs.push(input);
      if (input.kind !== 'welcomed') return;
      const { cluster, session } = input;
      pulse = { cluster, session, tokens: [], engine: 'e', problem: null, draining: false };
    },
    rollCalled: () => {
      rollCalls += 1;
    },
    welcomed: () => undefined,
  });
  leader.subscribe(heartbeatSubject('*'), ({ data }) => {
    const decoded = heartbeatMessage.decode(data);
    invariant(decoded.ok, 'the agent speaks the protocol');
    beats.push({ atMs: clock.monotonicMs(), message: decoded.value });
  });
  link.start();
});
afterEach(async () => {
  await link.stop();
  nats.stop();
  expect(clock.sleeping()).toBe(0);
});

describe('the link to the leader', () => {
  test('says hello again with growing waits until it is welcomed, and heartbeats at once and then every 5 s', async () => {
    link.hello(null);
    await clock.advance(400);
    answer([{ kind: 'refused', reason: 'no leader yet', final: false }, welcome]);
    await clock.advance(11_500);
    expect(hellos.map(({ atMs }) => atMs)).toEqual([500, 1_500]);
    expect(hellos[0]?.message).toMatchObject({ kind: 'hello', boot: 'b', cluster: null });
    expect(inputs).toEqual([{ kind: 'welcomed', cluster: world, session: 7 }]);
    expect(beats.map(({ atMs }) => atMs)).toEqual([1_500, 6_500, 11_500]);
    expect(beats.map(({ message }) => message.sequence)).toEqual([1, 2, 3]);
  });

  test('a final refusal ends the asking', async () => {
    answer([{ kind: 'refused', reason: 'another one lives', final: true }]);
    link.hello(world);
    await clock.advance(60_000);
    expect(hellos).toHaveLength(1);
    expect(inputs).toEqual([{ kind: 'refused', reason: 'another one lives' }]);
  });

  test('without a session it is silent, also at a roll-call; with one it answers a roll-call at once', async () => {
    leader.publish(ROLL_CALL_SUBJECT, new Uint8Array());
    await clock.advance(20_000);
    expect(beats).toEqual([]);
    answer([welcome]);
    link.hello(null);
    await clock.advance(1_000);
    leader.publish(ROLL_CALL_SUBJECT, new Uint8Array());
    await clock.advance(0);
    expect(beats.map(({ atMs }) => atMs)).toEqual([20_000, 21_000]);
    expect(rollCalls).toBe(2);
  });

  test('commands become inputs, and what cannot be read does not', async () => {
    const command = { kind: 'rehello', session: sessionOf(7) } as const;
    const encoded = commandMessage.encode(command);
    invariant(encoded.ok, 'a command can be sent');
    leader.publish(commandSubject(agent), Buffer.from('{"kind":"rm"}'));
    leader.publish(commandSubject(agent), encoded.value);
    await clock.advance(0);
    expect(inputs).toEqual([{ kind: 'command', command }]);
  });

  test('a ping for its own boot id is answered, and for another is not', async () => {
    const ping = (boot: string) => {
      const encoded = commandMessage.encode({ kind: 'ping', boot });
      invariant(encoded.ok, 'a ping can be sent');
      return leader.request(commandSubject(agent), encoded.value, { timeoutMs: 1_000 });
    };
    await expect(ping('b')).resolves.toBeInstanceOf(Uint8Array);
    const other = expect(ping('c')).rejects.toMatchObject({ code: 'timeout' });
    await clock.advance(1_000);
    await other;
  });

  test('a goodbye lists what is finished, and gives up after 2 s without an answer', async () => {
    leader.subscribe(helloSubject('*'), ({ data }) => heard(data));
    const said = link.goodbye(world, sessionOf(7), [job('download', 1, 5)], 'so');
    await clock.advance(2_000);
    await said;
    expect(hellos[0]?.message).toMatchObject({
      kind: 'goodbye',
      finished: [{ token: 5 }],
      reason: 'so',
    });
  });
});

function heard(data: Uint8Array): void {
  const decoded = helloMessage.decode(data);
  invariant(decoded.ok, 'the agent speaks the protocol');
  hellos.push({ atMs: clock.monotonicMs(), message: decoded.value });
}

/** Answers one hello after the other. */
function answer(replies: HelloReply[]): void {
  leader.subscribe(helloSubject('*'), (message) => {
    heard(message.data);
    const reply = replies.shift();
    const encoded = reply === undefined ? null : helloReply.encode(reply);
    if (encoded?.ok) message.respond(encoded.value);
  });
}
