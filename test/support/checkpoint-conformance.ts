import { checkpointName } from '@podctl/domain/checkpoint-name.ts';
import { expect } from 'vitest';
import type { CheckpointStore } from '../../apps/agent/src/shell/attempt-store.ts';

const KEY = '0a'.repeat(8);
const never = new AbortController().signal;

const nameOf = (run: number, key: string, milliseconds: number) =>
  checkpointName({ run, key, milliseconds });

/**
 * What checkpoints promise, whichever way they go.
 *
 * @param next gives the store of the job's next attempt, all of run 1: the lock is that one's from then on.
 */
export async function holdsCheckpoints(next: () => Promise<CheckpointStore>): Promise<void> {
  const read = async (store: CheckpointStore, key = KEY) => {
    const bytes = await store.read(key, never);
    return bytes === null ? null : Buffer.from(bytes).toString();
  };
  const first = await next();
  expect(await read(first)).toBeNull();
  await first.write(nameOf(1, KEY, 120_000), Buffer.from('two minutes'), never);
  await first.write(nameOf(1, KEY, 240_000), Buffer.from('four minutes'), never);
  expect(await read(first)).toBe('four minutes');
  const second = await next();
  expect(await read(second)).toBe('four minutes');
  await second.write(nameOf(1, KEY, 180_000), Buffer.from('three minutes'), never);
  expect(await read(second)).toBe('four minutes');
  expect(await read(second, 'ff'.repeat(8))).toBeNull();
  await second.write(nameOf(2, KEY, 900_000), Buffer.from('of another run'), never);
  expect(await read(await next())).toBe('four minutes');
}
