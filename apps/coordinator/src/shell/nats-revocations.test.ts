import { makeNatsSeeds } from '@podctl/platform/authority/nats-claims.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { connectNats } from '@podctl/platform/nats/connection.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../../../test/support/api-bundle.ts';
import { startNatsServer } from '../../../../test/support/nats-server.ts';
import { AccessBook } from './access-book.ts';
import { NatsRevocations } from './nats-revocations.ts';

/** It tells how long was waited. */
class TellingClock extends ManualClock {
  readonly sleptMs: number[] = [];
  override sleep(ms: number, signal: AbortSignal): Promise<void> {
    this.sleptMs.push(ms);
    return super.sleep(ms, signal);
  }
}

test('servers that know no such account are asked again after 200, 400, 800 and 800 ms, then at the next look, from the beginning', async () => {
  const nats = await startNatsServer();
  onTestFinished(() => nats.stop());
  const clock = new TellingClock();
  const lines: { readonly reason?: string }[] = [];
  const say = (fields: object) => lines.push(fields);
  const memory = new MemoryNats(clock, { onError: (error) => lines.push({ reason: `${error}` }) });
  onTestFinished(() => memory.stop());
  const revocations = new NatsRevocations({
    seeds: makeNatsSeeds(),
    book: new AccessBook(memory.client('one').kv('access')),
    clock,
    log: { debug: say, info: say, warn: say, error: say },
    connect: (listen, signal) => {
      const options = { servers: [nats.url], name: 'test', auth: { kind: 'none' } } as const;
      return connectNats(options, { clock: systemClock, random: () => 0.5, listen }, signal);
    },
  });
  onTestFinished(() => revocations.stop());
  await revocations.start();
  /** The real server has answered, and now it waits for so long. */
  const waits = async (ms: number) => {
    await until(() => clock.sleeping() > 0);
    expect(clock.sleptMs.at(-1)).toBe(ms);
    await clock.advance(ms);
  };
  const tries = [200, 400, 800, 800];
  for (const ms of tries) await waits(ms);
  await waits(250);
  expect(lines).toEqual([
    { loop: 'revocations', reason: expect.stringContaining('did not answer $SYS.REQ.ACCOUNT.') },
  ]);
  await waits(29_750);
  for (const ms of tries) await waits(ms);
  await until(() => clock.sleptMs.length === 11);
  // Said each minute while it goes on.
  expect(lines).toHaveLength(1);
});
