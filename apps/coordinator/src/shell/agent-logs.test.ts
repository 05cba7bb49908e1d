import type { SessionId, Token } from '@podctl/domain/ids.ts';
import { logSubject } from '@podctl/domain/key.ts';
import type { LogLine } from '@podctl/domain/protocol.ts';
import { afterEach, expect, test } from 'vitest';
import { CoordinatorWorld } from '../../../../test/support/coordinator-world.ts';

let world: CoordinatorWorld;
afterEach(() => world.stop());

async function begun() {
  world = await CoordinatorWorld.start();
  const agent = world.agent('a1');
  await agent.hello();
  await world.addFeed('alpha', 1);
  const start = await agent.nextStart();
  const { job } = start;
  const line: LogLine = { atMs: 1, level: 'info', message: 'it goes on', job };
  return { agent, start, job, line, logs: world.coordinator.logs };
}

/** Long enough for a twin to carry a message. */
async function carried(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('lines of an agent in its session are kept, and whoever waits for them is told', async () => {
  const { agent, job, line, logs } = await begun();
  const told = Promise.withResolvers<void>();
  logs.onLines(job, told.resolve);
  agent.say([line], 2);
  await told.promise;
  expect(logs.ofJob(job, 0, 9)).toMatchObject([{ message: 'it goes on', agent: 'a1', job }]);
  expect(logs.counts()).toMatchObject({ lines: 1, dropped: 2, evicted: 0 });
});

test('lines of another session, of a stranger, and what is no log message are refused and counted', async () => {
  const { agent, job, line, logs } = await begun();
  const { session, boot, cluster } = agent;
  agent.session = (session + 1_000) as SessionId;
  agent.say([line]);
  agent.session = (session - 1) as SessionId;
  agent.say([line]);
  const { bus } = world.nats.client('raw');
  const text = JSON.stringify({ boot, cluster, session, dropped: 0, lines: [line] });
  bus.publish('log.stranger', Buffer.from(text));
  bus.publish(logSubject(agent.id), Buffer.from(text.replace('"info"', '"loud"')));
  bus.publish('log.A', Buffer.from(text));
  await carried();
  expect(logs.ofJob(job, 0, 9)).toEqual([]);
  expect(logs.counts().refused).toEqual({ unreadable: 2, session: 3, rate: 0, job: 0 });
});

test('an agent that says too much at once is not listened to for a while; another one is', async () => {
  const { agent, line, logs } = await begun();
  for (let i = 0; i < 30; i += 1) agent.say([line]);
  await carried();
  const { refused, lines } = logs.counts();
  expect(refused.rate).toBeGreaterThanOrEqual(15);
  expect(lines + refused.rate).toBe(30);
  const other = world.agent('a2');
  await other.hello();
  other.say([{ ...line, message: 'of a job that it does not have' }]);
  await carried();
  expect(logs.counts().refused.job).toBe(1);
});

test('no agent speaks in the log of another one’s job, and whoever ended one says its last words', async () => {
  const { agent, start, job, line, logs } = await begun();
  const heard: string[] = [];
  logs.onLines({ ...job, run: 2 }, () => heard.push('another run'));
  logs.onLines(job, () => heard.push('this one'));
  const other = world.agent('a2');
  await other.hello();
  const lines = [line, { ...line, job: null }, { ...line, job: { ...job, token: 1 as Token } }];
  other.say(lines);
  await carried();
  expect([logs.ofJob(job, 0, 9), heard, logs.counts().refused.job]).toEqual([[], [], 1]);
  await agent.complete(start);
  await world.until(() => world.lock('alpha', 'download')?.state === 'free');
  agent.say([{ ...line, message: 'how it ended' }]);
  await carried();
  expect(logs.ofJob(job, 0, 9)).toMatchObject([{ message: 'how it ended', agent: 'a1' }]);
  expect(heard).toEqual(['this one']);
});
