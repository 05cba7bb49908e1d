import { commandSubject, helloSubject } from '@podctl/domain/key.ts';
import type { BusMessage } from '@podctl/platform/bus.ts';
import { helloMessage } from '@podctl/platform/wire.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CoordinatorWorld } from '../../../../test/support/coordinator-world.ts';

let world: CoordinatorWorld;
beforeEach(async () => {
  world = await CoordinatorWorld.start();
});
afterEach(() => world.stop());

test('an agent that says hello a thousand times while one is judged keeps eight of them waiting, and is answered afterwards', async () => {
  const agent = world.agent('a1');
  await agent.hello();
  agent.isAlive = false;
  const { bus } = world.nats.client('flood');
  const pings: BusMessage[] = [];
  const first = Promise.withResolvers<BusMessage>();
  bus.subscribe(commandSubject(agent.id), (message) => {
    pings.push(message);
    if (pings.length === 1) first.resolve(message);
    else message.respond(new Uint8Array());
  });
  for (let n = 0; n < 1_000; n += 1) {
    const hello = helloMessage.encode({
      ...{ kind: 'hello', boot: `boot-${n}`, cluster: null, host: 'h', version: '0', engine: 'e' },
      slots: { download: 1, transcribe: 1 },
    });
    if (hello.ok) bus.publish(helloSubject(agent.id), hello.value);
  }
  (await first.promise).respond(new Uint8Array());
  // The last of those that wait; what comes behind it is heard again.
  while (pings.length < 8) await new Promise((resolve) => setImmediate(resolve));
  expect(await agent.hello()).toMatchObject({ kind: 'welcome', session: agent.session });
  expect(pings).toHaveLength(8);
});
