import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
