import { setImmediate } from 'node:timers/promises';
import { err, ok } from '@podctl/domain/result.ts';
import { expect, test } from 'vitest';
import { silentLog } from '../../../../test/support/silent-log.ts';
import type { Assignment } from '../core/assignment.ts';
import { job, sessionOf, ticket, workFor, world } from '../core/machine-example.ts';
import { failure } from '../core/outcome.ts';
import { tokenKey } from '../core/token-key.ts';
import type { AudioInput } from './attempt-store.ts';
import { FetchAhead } from './fetch-ahead.ts';

const never = new AbortController().signal;

function assignment(n: number): Assignment {
  const of = { cluster: world, session: sessionOf(7), ticket };
  return { ...of, job: job('transcribe', n, n), work: workFor('transcribe') };
}

function made() {
  const fetches = new Map<number, { end: (found: boolean) => void; signal: AbortSignal }>();
  const disposed: string[] = [];
  const prepared: string[] = [];
  const ahead = new FetchAhead({
    log: silentLog,
    prepare: (path) => prepared.push(path),
    store: {
      input: (of, _work, signal) => {
        const { promise, resolve } = Promise.withResolvers<boolean>();
        fetches.set(of.job.token, { end: resolve, signal });
        const path = `audio-${of.job.token}`;
        const input: AudioInput = {
          path,
          intact: async () => true,
          [Symbol.dispose]: () => void disposed.push(path),
        };
        return promise.then((found) => (found ? ok(input) : err(failure('x', 'X.'))));
      },
    },
  });
  const keep = (...waiting: readonly number[]) => {
    const keys = waiting.map((n) => tokenKey(world, assignment(n).job));
    const map = new Map(keys.map((key, i) => [key, assignment(waiting[i] ?? 0)]));
    ahead.keep(map, (key) => held.has(key));
  };
  const held = new Set([1, 2, 3, 4].map((n) => tokenKey(world, assignment(n).job)));
  const lose = (n: number) => held.delete(tokenKey(world, assignment(n).job));
  const end = async (n: number, found = true) => {
    fetches.get(n)?.end(found);
    await setImmediate();
  };
  return { ahead, keep, lose, end, fetches, disposed, prepared };
}

test('fetches what waits, two at a time, and has the next one read ahead', async () => {
  const { keep, end, fetches, prepared } = made();
  keep(1, 2, 3);
  expect([...fetches.keys()]).toEqual([1, 2]);
  await end(2);
  expect([...fetches.keys()]).toEqual([1, 2, 3]);
  expect(prepared).toEqual([]);
  await end(1);
  expect(prepared).toEqual(['audio-1']);
  keep(2, 3);
  await setImmediate();
  expect(prepared).toEqual(['audio-1', 'audio-2']);
});

test('gives a job what was fetched for it, also what is on its way, once', async () => {
  const { ahead, keep, end, disposed } = made();
  keep(1);
  const taken = ahead.take(assignment(1), never);
  await end(1);
  expect(await taken).toMatchObject({ path: 'audio-1' });
  expect(await ahead.take(assignment(1), never)).toBeNull();
  ahead.stop();
  expect(disposed).toEqual([]);
});

test('gives back what is held no more, and ends its fetch', async () => {
  const { keep, lose, end, fetches, disposed } = made();
  keep(1, 2);
  await end(1);
  lose(1);
  lose(2);
  keep();
  await setImmediate();
  expect(disposed).toEqual(['audio-1']);
  expect(fetches.get(2)?.signal.aborted).toBe(true);
  await end(2);
  expect(disposed).toEqual(['audio-1', 'audio-2']);
});

test('a job whose fetch failed, or that nobody fetched for, fetches for itself', async () => {
  const { ahead, keep, end } = made();
  keep(1);
  await end(1, false);
  expect(await ahead.take(assignment(1), never)).toBeNull();
  expect(await ahead.take(assignment(4), never)).toBeNull();
});

test('a job that is called off while its audio is fetched ends the fetch', async () => {
  const { ahead, keep, end, fetches, disposed } = made();
  keep(1);
  const off = new AbortController();
  const taken = ahead.take(assignment(1), off.signal);
  off.abort(new Error('called off'));
  expect(fetches.get(1)?.signal.aborted).toBe(true);
  await end(1);
  expect(await taken).toBeNull();
  expect(disposed).toEqual(['audio-1']);
});
