import { once } from 'node:events';
import { connect } from 'node:net';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { expect, onTestFinished, test } from 'vitest';
import { failToAccept } from '../../../../test/support/accept-error.ts';
import { GrpcListener } from './grpc-listener.ts';

test('the gRPC port takes connections on after one that could not be accepted', async () => {
  const bugs: unknown[] = [];
  const taken = Promise.withResolvers<void>();
  const listener = new GrpcListener({
    listen: { host: '127.0.0.1', port: 0 },
    tls: null,
    clock: new ManualClock(),
    onConnection: (socket) => {
      taken.resolve();
      socket.destroy();
    },
    onRefused: () => undefined,
    onBug: (error) => bugs.push(error),
  });
  let port = 0;
  const error = await failToAccept(async () => {
    port = await listener.start();
  });
  onTestFinished(() => listener.close());
  expect(bugs).toEqual([error]);
  const socket = connect(port, '127.0.0.1');
  await taken.promise;
  await once(socket.resume(), 'close');
});
