import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { expect, test } from 'vitest';
import type { AgentEnd } from './agent.ts';
import { tellDrain } from './drain-notice.ts';

function draining(held: { running: number; unsettled: number }) {
  const clock = new ManualClock();
  const ended = Promise.withResolvers<AgentEnd>();
  const stop = new AbortController();
  const cancel = new AbortController();
  const said: string[] = [];
  const agent = { held, ended: ended.promise };
  const signals = { signal: stop.signal, cancel: cancel.signal };
  const told = tellDrain(agent, signals, clock, (words) => void said.push(words));
  return { clock, agent, ended, stop, cancel, said, told };
}

test('what a drain waits for is said at once and every 10 s, as it is then', async () => {
  const { clock, agent, ended, stop, said, told } = draining({ running: 2, unsettled: 1 });
  await clock.advance(60_000);
  expect(said).toEqual([]);
  stop.abort();
  await clock.advance(9_999);
  expect(said).toEqual(['draining: 2 jobs still run, 0 s']);
  agent.held = { running: 1, unsettled: 1 };
  await clock.advance(1);
  agent.held = { running: 0, unsettled: 1 };
  await clock.advance(10_000);
  expect(said.slice(1)).toEqual([
    'draining: 1 job still runs, 10 s',
    'draining: 1 result still waits for the coordinator, 20 s',
  ]);
  ended.resolve({ code: 0, reason: 'The agent stopped.' });
  await told;
  expect(clock.sleeping()).toBe(0);
});

test('nothing is said of a drain that waits for nothing, nor after it is cancelled', async () => {
  const idle = draining({ running: 0, unsettled: 0 });
  idle.stop.abort();
  await idle.clock.advance(20_000);
  expect(idle.said).toEqual([]);
  idle.cancel.abort();
  await idle.told;
  const handedBack = draining({ running: 1, unsettled: 0 });
  handedBack.cancel.abort();
  handedBack.stop.abort();
  await handedBack.told;
  expect(handedBack.said).toEqual([]);
});
