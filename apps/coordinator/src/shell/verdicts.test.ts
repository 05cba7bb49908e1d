import type { SessionId } from '@podctl/domain/ids.ts';
import { BUCKETS, jobKey, resultSubject } from '@podctl/domain/key.ts';
import type { Kv, KvEntry } from '@podctl/platform/kv.ts';
import { resultMessage, resultReply } from '@podctl/platform/wire.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { Store } from './store.ts';
import { Verdicts } from './verdicts.ts';

let world: LeaderWorld;
beforeEach(async () => {
  world = await LeaderWorld.start();
});
afterEach(() => world.stop());

it('no verdict is given from a value that is not above the token: it has not heard of it', async () => {
  const episode = await world.episode();
  const bucket = world.nats.bucket(BUCKETS.state);
  const before = bucket.read(jobKey(world.feed, episode));
  const token = await world.assign(episode);
  const manifest = await world.finish(episode, token, { 'audio.mp3': 'sound' });
  // An old leader of the stream answers with what was.
  const kv = world.client.kv(BUCKETS.state);
  let stale: KvEntry | null = before;
  const state: Kv = {
    get: (key) => (stale?.key === key ? Promise.resolve(stale) : kv.get(key)),
    cas: (...of) => kv.cas(...of),
    remove: (...of) => kv.remove(...of),
    put: (...of) => kv.put(...of),
    tail: (...of) => kv.tail(...of),
  };
  const store = new Store({
    state,
    meta: world.client.kv(BUCKETS.meta),
    replica: world.replica,
    retry: { failuresMax: 2, lossesMax: 3, backoffFirstMs: 0, backoffMaxMs: 0 },
    newNonce: () => world.newNonce(),
    mayWrite: () => true,
  });
  const fenced: number[] = [];
  const verdicts = new Verdicts({
    ...world.settle,
    store,
    bus: world.client.bus,
    log: world.log,
    fenced: (_agent, { job }) => fenced.push(job.token),
  });
  await verdicts.start();
  const ask = async () => {
    const encoded = resultMessage.encode({
      boot: 'b',
      cluster: store.cluster(),
      session: 3 as SessionId,
      job: { feed: world.feed, episode, stage: 'download', run: 1, token },
      outcome: { kind: 'finished', manifestSha256: manifest.sha256 },
    });
    if (!encoded.ok) throw new Error(encoded.error);
    const bus = world.nats.client(`agent-${fenced.length}-${stale === null}`).bus;
    return resultReply.decode(
      await bus.request(resultSubject(world.agent), encoded.value, { timeoutMs: 1_000 }),
    );
  };
  expect(await ask()).toMatchObject({ value: { kind: 'later' } });
  expect(fenced).toEqual([]);
  stale = null;
  expect(await ask()).toMatchObject({ value: { kind: 'verdict', answer: 'accepted' } });
  await verdicts.stop();
});
