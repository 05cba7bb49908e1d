import { spawnChild } from '@podctl/platform/child/child-process.ts';
import { expect, test } from 'vitest';
import type { CommandError } from '../command-error.ts';
import { SupervisedChild } from './supervised-child.ts';

interface Seen {
  readonly pids: number[];
  readonly lines: string[];
  readonly gaveUp: Promise<CommandError>;
  /** Resolves when that many starts were made. */
  starts(n: number): Promise<void>;
}

/** A supervised Node process that runs `script`, and what is told of it. */
function supervised(script: string): [SupervisedChild, Seen] {
  const pids: number[] = [];
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let giveUp = (_: CommandError): void => undefined;
  const gaveUp = new Promise<CommandError>((resolve) => {
    giveUp = resolve;
  });
  const child = new SupervisedChild(
    {
      name: 'the agent',
      graceMs: 5_000,
      readyMsMax: 10_000,
      async spawn() {
        const spawned = await spawnChild({
          name: 'agent',
          command: process.execPath,
          args: ['-e', script],
          tie: 'node',
          stdout: 'log',
          log: () => undefined,
        });
        pids.push(spawned.pid);
        for (const check of waiting) check();
        return spawned;
      },
      ready: async (signal) => signal.throwIfAborted(),
    },
    { told: (line) => lines.push(line), gaveUp: giveUp },
  );
  const starts = (n: number) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (pids.length >= n) resolve();
      };
      waiting.add(check);
      check();
    });
  return [child, { pids, lines, gaveUp, starts }];
}

const FOREVER = 'setInterval(() => {}, 1e6)';
const never = new AbortController().signal;

test('a killed child is started again, and that is told in one line', async () => {
  const [child, seen] = supervised(FOREVER);
  await child.start(never);
  process.kill(seen.pids[0] ?? 0, 'SIGKILL');
  await seen.starts(2);
  expect(seen.lines[0]).toBe('the agent was ended by SIGKILL; it is started again in 0.5 s');
  await child.stop();
  expect(() => process.kill(seen.pids[1] ?? 0, 0)).toThrow('ESRCH');
});

test('a child that keeps dying ends the supervision with its last words', async () => {
  const [child, seen] = supervised('console.error("no disk"); process.exit(4)');
  await child.start(never);
  const error = await seen.gaveUp;
  expect(error.message).toBe(
    'the agent died 5 times in a row: the agent ended with code 4: no disk',
  );
  expect(seen.pids).toHaveLength(5);
  await child.stop();
});

test('stop ends a child that waits for its next start, and is safe twice', async () => {
  const [child, seen] = supervised(FOREVER);
  await child.start(never);
  process.kill(seen.pids[0] ?? 0, 'SIGKILL');
  await child.stop();
  await child.stop();
  expect(seen.pids).toHaveLength(1);
});

test('a child that dies before it is ready fails the start with its last words', async () => {
  const child = new SupervisedChild(
    {
      name: 'the coordinator',
      graceMs: 1_000,
      readyMsMax: 10_000,
      spawn: () =>
        spawnChild({
          name: 'coordinator',
          command: process.execPath,
          args: ['-e', 'console.error("port 7070 is taken"); process.exit(1)'],
          tie: 'node',
          stdout: 'log',
          log: () => undefined,
        }),
      ready: (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    },
    { told: () => undefined, gaveUp: () => undefined },
  );
  await expect(child.start(never)).rejects.toThrow(
    'the coordinator ended with code 1: port 7070 is taken',
  );
});
