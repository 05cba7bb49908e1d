import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type IndexThreadOptions, TranscriptIndexThread } from './transcript-index-thread.ts';

const { signal } = new AbortController();
let folder: string;
const threads: TranscriptIndexThread[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'podctl-index-thread-'));
});
afterEach(async () => {
  for (const thread of threads.splice(0)) await thread.stop();
  rmSync(folder, { recursive: true, force: true });
});

function thread(limits: Partial<IndexThreadOptions> = {}): TranscriptIndexThread {
  const made = new TranscriptIndexThread({
    ...{ name: 'test', path: join(folder, 'search.sqlite') },
    ...{ opening: { kind: 'write', cluster: 'c' }, callMsMax: 10_000, queueMax: 2 },
    ...limits,
  });
  threads.push(made);
  return made;
}

test('a call that takes too long is given up, and with it its thread', async () => {
  const hasty = thread({ callMsMax: 1 });
  await expect(hasty.call('episodes', null, signal)).rejects.toMatchObject({ problem: 'slow' });
});

test('no other thread is begun before the one that was given up has ended: all are told that it is busy', async () => {
  const path = join(folder, 'search.sqlite');
  const holder = new DatabaseSync(path);
  // What the thread does then is wait within SQLite, which nothing can cut short.
  holder.exec('CREATE TABLE other (x); BEGIN EXCLUSIVE');
  const one = thread({ callMsMax: 1_500 });
  const calls = [1, 2].map(() => one.call('episodes', null, signal));
  const ended = await Promise.allSettled(calls);
  expect(ended).toMatchObject([{ reason: { problem: 'slow' } }, { reason: { problem: 'busy' } }]);
  await expect(one.call('episodes', null, signal)).rejects.toMatchObject({ problem: 'busy' });
  holder.exec('ROLLBACK');
  holder.close();
  await one.ended();
  await expect(one.call('episodes', null, signal)).resolves.toBe(0);
});

test('calls wait for each other, up to a limit', async () => {
  const one = thread();
  const calls = [1, 2, 3].map(() => one.call('episodes', null, signal));
  await expect(one.call('episodes', null, signal)).rejects.toMatchObject({ problem: 'busy' });
  expect(await Promise.all(calls)).toEqual([0, 0, 0]);
});

test('what cannot be done is told, and the thread goes on', async () => {
  const reader = thread({ opening: { kind: 'read' } });
  await expect(reader.call('episodes', null, signal)).rejects.toMatchObject({ problem: 'failed' });
  expect(await thread().call('episodes', null, signal)).toBe(0);
  expect(await reader.call('episodes', null, signal)).toBe(0);
});

test('whoever asks after the stop, or waits then, is refused', async () => {
  const one = thread();
  const calls = [1, 2].map(() => one.call('episodes', null, signal));
  const ended = Promise.allSettled(calls);
  await one.stop();
  expect((await ended).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  await expect(one.call('episodes', null, signal)).rejects.toMatchObject({ problem: 'stopped' });
});
