import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Readable } from 'node:stream';
import { invariant } from '@podctl/domain/result.ts';
import { FileTransfers } from '@podctl/platform/library/file-transfers.ts';
import { createMetrics } from '@podctl/platform/metrics.ts';
import { expect, test } from 'vitest';
import { ByteWorld } from '../../../../test/support/byte-world.ts';
import { episodeRow } from '../core/snapshot.ts';
import { ByteInput } from './byte-input.ts';
import { byteMetrics } from './byte-metrics.ts';
import { Transfers } from './byte-transfers.ts';

/** Whoever asks is gone when the file has just been opened. */
class Deserted extends FileTransfers {
  readonly opened: Readable[] = [];
  response: ServerResponse | null = null;

  override async readRange(path: string, startBytes: number, endBytes: number): Promise<Readable> {
    const source = await super.readRange(path, startBytes, endBytes);
    this.opened.push(source);
    this.response?.destroy();
    return source;
  }
}

test('a file that was opened for who is gone is closed again', async () => {
  const world = await ByteWorld.start();
  await world.accept(Buffer.from('sound'));
  const { job } = world.hold('transcribe');
  const { library, snapshot } = world;
  const state = episodeRow(snapshot, job.feed, job.episode)?.state;
  invariant(state !== undefined, 'the episode is known');
  const files = new Deserted(library);
  const registry = createMetrics({ version: '0', commit: '', nodeVersion: '' });
  const metrics = byteMetrics(registry);
  const transfers = new Transfers({ transfersMax: 1, idleMs: 60_000 }, metrics);
  const input = new ByteInput({ library, files, transfers, metrics });
  const ended = Promise.withResolvers<unknown>();
  const server = createServer((request, response) => {
    files.response = response;
    const route = { kind: 'input', ...job } as const;
    input
      .send({ request, response, route, state, judge: () => null })
      .then(() => ended.reject(new Error('it was answered')), ended.resolve);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await ended.promise;
  expect(files.opened.map(({ destroyed }) => destroyed)).toEqual([true]);
  socket.destroy();
  server.close();
  registry.close();
  await world.stop();
});
