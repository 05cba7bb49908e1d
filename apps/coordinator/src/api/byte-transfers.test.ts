import { Socket } from 'node:net';
import { createMetrics } from '@podctl/platform/metrics.ts';
import { afterEach, expect, test } from 'vitest';
import { byteMetrics } from './byte-metrics.ts';
import { type Transfer, Transfers } from './byte-transfers.ts';

const metrics = createMetrics({ version: '0', commit: '', nodeVersion: '' });
const transfers = new Transfers({ transfersMax: 10, idleMs: 60_000 }, byteMetrics(metrics));
const begin = () =>
  transfers.begin({ direction: 'in', socket: new Socket(), judge: () => null, writes: 'a' });
afterEach(() => metrics.close());

test('of several writers that wait for the same older one, one goes on at a time', async () => {
  const older = await begin();
  const begun: Transfer[] = [];
  const newer = [begin(), begin(), begin()].map((began) =>
    began.then((transfer) => {
      expect(begun.filter(({ signal }) => !signal.aborted)).toEqual([]);
      begun.push(transfer);
      if (transfer.signal.aborted) transfer.finish();
      else transfer.signal.addEventListener('abort', () => transfer.finish());
    }),
  );
  expect(older.signal.aborted).toBe(true);
  older.finish();
  await Promise.all(newer);
  expect(begun.map(({ signal }) => signal.aborted)).toEqual([true, true, false]);
  begun.at(-1)?.finish();
});
