import { nonceFrom } from '@podctl/domain/ids.ts';
import { BUCKETS, LEADER_KEY } from '@podctl/domain/key.ts';
import { KvUnavailable } from '@podctl/platform/kv.ts';
import { encodeLeader } from '@podctl/platform/leader-record.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import { MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaults } from '../../../test/support/coordinator-world.ts';
import { Coordinator } from './coordinator.ts';

const quiet = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };

let clock: ManualClock;
let nats: MemoryNats;
let client: ReturnType<MemoryNats['client']>;
let coordinator: Coordinator;
let library: MemoryLibrary;
beforeEach(() => {
  clock = new ManualClock();
  nats = new MemoryNats(clock, {
    silenceMs: 15_000,
    onError: (error) => {
      throw error;
    },
  });
  client = nats.client('coordinator');
});
afterEach(async () => {
  const stopped = coordinator.stop();
  await clock.advance(10_000);
  await stopped;
  nats.stop();
});

async function begin(): Promise<void> {
  library = new MemoryLibrary('m'.repeat(16), 1_000, () => clock.wallMs());
  const ports = {
    clock,
    bus: client.bus,
    state: client.kv(BUCKETS.state),
    meta: client.kv(BUCKETS.meta),
    lead: client.kv(BUCKETS.lead),
    library,
    log: quiet,
    connected: () => client.reachesServer,
    natsVersion: () => 'twin',
    randomBytes: (count: number) => new Uint8Array(count).fill(clock.monotonicMs() % 251),
    random: () => 0.5,
    planned: () => {},
    polled: () => {},
    happened: () => {},
  };
  coordinator = new Coordinator(ports, { ...defaults(ports.library.id), proveAlone: false });
  const started = coordinator.start();
  await clock.advance(0);
  await started;
}

const problem = () => coordinator.info().problem;

function leaderKey(coordinatorId: string) {
  return encodeLeader({
    coordinator: coordinatorId,
    address: '127.0.0.1:1',
    epoch: null,
    nonce: nonceFrom(new Uint8Array(10).fill(252)),
  });
}
const writes = () => coordinator.checks().find(({ name }) => name === 'writes');

it('says that nothing can be written while the server takes no write, and leads again once it does', async () => {
  await begin();
  await clock.advance(1_000);
  expect([coordinator.info().leading, problem()]).toEqual([true, '']);
  nats.writeFault = () => ({ kind: 'lost' });
  await clock.advance(17_000);
  expect([coordinator.info().leading, problem()]).toEqual([
    false,
    'the state cannot be written since 10 s: no answer (twin)',
  ]);
  expect(writes()).toEqual({ name: 'writes', ok: false, detail: problem() });
  expect(coordinator.info().failedWrites).toMatchObject({ state: 0, meta: 0 });
  expect(coordinator.info().failedWrites.lead).toBeGreaterThan(2);
  nats.writeFault = () => ({ kind: 'none' });
  await clock.advance(10_000);
  expect([coordinator.info().leading, problem()]).toEqual([true, '']);
  expect(writes()).toMatchObject({ ok: true });
});

it('counts each write of the state that failed', async () => {
  await begin();
  await clock.advance(1_000);
  nats.faultNextWrite({ kind: 'lost' });
  const added = coordinator.orders.addFeeds([
    { url: 'http://127.0.0.1:9/a', title: 'A', bookScore: null, id: 'alpha' },
  ]);
  const refused = expect(added).rejects.toThrow('could not be written');
  await clock.advance(0);
  await refused;
  expect(coordinator.info().failedWrites).toMatchObject({ state: 1 });
});

it('says how long the server has been silent, though the connection stands', async () => {
  await begin();
  await clock.advance(1_000);
  nats.blindTails();
  await clock.advance(12_000);
  expect(problem()).toBe('NATS has been silent for 10 s');
  await clock.advance(4_000);
  expect(problem()).toBe('');
});

it('refuses an order at once while it does not lead and the server is silent', async () => {
  nats.bucket(BUCKETS.lead).write({ key: LEADER_KEY, expected: null, value: leaderKey('c2') });
  await begin();
  await clock.advance(1_000);
  nats.blindTails();
  await clock.advance(8_000);
  expect(problem()).toMatch(/^NATS has been silent for /);
  await expect(
    coordinator.orders.addFeeds([
      { url: 'http://127.0.0.1:9/a', title: 'A', bookScore: null, id: 'alpha' },
    ]),
  ).rejects.toThrow(KvUnavailable);
});

it('says that nobody leads, whatever the reason, and not while another one does', async () => {
  const lead = nats.bucket(BUCKETS.lead);
  lead.write({ key: LEADER_KEY, expected: null, value: leaderKey('c1') });
  await begin();
  await clock.advance(12_000);
  expect(problem()).toBe('no coordinator leads since 10 s');
  lead.write({ key: LEADER_KEY, expected: null, value: leaderKey('c2') });
  await clock.advance(12_000);
  expect(problem()).toBe('');
});

it('gives the lead up when its library is away for long, and stands again when it is back', async () => {
  await begin();
  await clock.advance(1_000);
  const before = coordinator.info();
  expect(before.leading).toBe(true);
  library.offline = 'the disk is not mounted';
  await clock.advance(20_000);
  expect([coordinator.info().leading, problem()]).toEqual([
    true,
    'library offline: the disk is not mounted',
  ]);
  await clock.advance(20_000);
  expect([coordinator.info().leading, problem()]).toEqual([
    false,
    'library offline: the disk is not mounted',
  ]);
  expect((await client.kv(BUCKETS.lead).get(LEADER_KEY))?.kind).not.toBe('value');
  library.offline = null;
  await clock.advance(15_000);
  expect([coordinator.info().leading, problem()]).toEqual([true, '']);
  expect(coordinator.info().epoch).toBeGreaterThan(before.epoch);
});
