import { expect, test } from 'vitest';
import { NatsWait } from './nats-wait.ts';
import type { Charge } from './supervised-child.ts';

const line = (msg: string, reason?: string) =>
  JSON.stringify({ level: 'warn', msg, ...(reason === undefined ? {} : { reason }) });
const trouble = (reason: string) => line('trouble with NATS', reason);

function waiting() {
  const lines: string[] = [];
  const wait = new NatsWait({
    servers: ['nats://podctl:secret@nats.example:4222'],
    logPath: '/data/logs/coordinator.log',
    told: (told) => lines.push(told),
  });
  const ready = Promise.withResolvers<void>();
  const charge = wait.during({
    name: 'the coordinator',
    graceMs: 1,
    readyMsMax: 1,
    spawn: () => Promise.reject(new Error('not asked for')),
    ready: (signal) => {
      signal.addEventListener('abort', () => ready.reject(signal.reason));
      return ready.promise;
    },
  } satisfies Charge);
  return { wait, lines, charge, ready };
}

const never = new AbortController().signal;

test('the first trouble is told at once, with the address and without its password, and once', () => {
  const { wait, lines } = waiting();
  wait.heard('no entry of a log', 0);
  wait.heard(trouble('connection refused'), 0);
  wait.heard(trouble('connection refused'), 500);
  expect(lines).toEqual(['waiting for NATS at nats://***@nats.example:4222: connection refused']);
});

test('who is refused for 10 s gives up, and says what was seen and what to do', async () => {
  const { wait, charge } = waiting();
  const started = charge.ready(never);
  wait.heard(trouble('connection refused'), 1_000);
  wait.heard(trouble('connection refused'), 11_000);
  await expect(started).rejects.toMatchObject({
    exitCode: 1,
    message:
      'no NATS server could be reached at nats://***@nats.example:4222 (connection refused); start it, or leave nats.url out so that podctl starts one; the log is /data/logs/coordinator.log',
  });
});

test('a server that answers late, or came in between, is waited for to the end', async () => {
  const { wait, charge, ready } = waiting();
  const started = charge.ready(never);
  wait.heard(trouble('timeout'), 0);
  wait.heard(trouble('timeout'), 25_000);
  expect(charge.lateFor?.()).toMatch(/^no NATS server could be reached at .*\(timeout\)/);
  wait.heard(line('NATS is connected'), 25_500);
  expect(charge.lateFor?.()).toBeNull();
  wait.heard(trouble('connection refused'), 26_000);
  ready.resolve();
  await started;
  wait.heard(trouble('connection refused'), 60_000);
  await expect(charge.ready(never)).resolves.toBeUndefined();
});
