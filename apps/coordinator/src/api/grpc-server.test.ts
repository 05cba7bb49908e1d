import { createServer } from 'node:net';
import {
  credentials,
  makeGenericClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import type { FeedId } from '@podctl/domain/ids.ts';
import { invariant } from '@podctl/domain/result.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import type { WatchDelta } from '@podctl/proto/podctl/v1/fleet.ts';
import { service as healthService } from 'grpc-health-check';
import { afterEach, describe, expect, test } from 'vitest';
import { apiBundle, ask, cleanUp, reader, until } from '../../../../test/support/api-bundle.ts';
import { GrpcServer } from './grpc-server.ts';

const alpha = 'alpha' as FeedId;

afterEach(cleanUp);

describe('GetServerInfo and GetOverview', () => {
  test('tell who answers, and the totals of one snapshot', async () => {
    const api = await apiBundle();
    api.fleet.feed(alpha, { lastSuccessMs: 5 });
    api.fleet.episode(alpha, 1);
    api.fleet.information = { ...api.fleet.information, fencedResults: 3, problem: 'no agent' };
    const info = await ask(api.fleets.getServerInfo.bind(api.fleets), {});
    expect(info).toMatchObject({ version: '0.1.0', coordinatorId: 'coordinator-1', epoch: 41n });
    const { overview } = await ask(api.fleets.getOverview.bind(api.fleets), { minRevision: 0n });
    expect(overview).toMatchObject({
      revision: 2n,
      feeds: 1,
      feedsRead: 1,
      episodes: 1,
      fencedResults: 3n,
      leading: true,
      problem: 'no agent',
    });
    expect(api.calls).toEqual(['GetServerInfo OK', 'GetOverview OK']);
  });

  test('an overview of a revision not seen yet waits for it', async () => {
    const api = await apiBundle();
    const answer = ask(api.fleets.getOverview.bind(api.fleets), { minRevision: 2n });
    await until(() => api.fleet.listeners === 1);
    api.fleet.feed(alpha);
    api.fleet.feed(alpha, { bookScore: 2 });
    expect((await answer).overview?.revision).toBe(2n);
    expect(api.fleet.listeners).toBe(0);
  });

  test('an overview of a revision that does not come says so after 5 s', async () => {
    const clock = new ManualClock();
    const api = await apiBundle(clock);
    const answer = ask(api.fleets.getOverview.bind(api.fleets), { minRevision: 9n });
    const error = answer.catch((thrown: ServiceError) => thrown);
    await until(() => clock.sleeping() === 2);
    await clock.advance(5_000);
    expect(await error).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining('has seen revision 0 and not yet 9'),
    });
    expect([api.fleet.listeners, clock.sleeping()]).toEqual([0, 0]);
  });

  test('an overview whose caller hangs up stops waiting', async () => {
    const api = await apiBundle();
    const call = api.fleets.getOverview({ minRevision: 9n }, () => undefined);
    await until(() => api.fleet.listeners === 1);
    call.cancel();
    await until(() => api.fleet.listeners === 0);
    await until(() => api.calls.length === 1);
    expect(api.calls).toEqual(['GetOverview CANCELLED']);
  });
});

describe('Watch', () => {
  test('sends a snapshot, and a delta after a change is folded', async () => {
    const api = await apiBundle();
    api.fleet.feed(alpha);
    const next = reader(api.fleets.watch({ intervalMs: 100 }));
    expect(await next()).toMatchObject({
      sequence: 1n,
      message: { $case: 'snapshot', value: { feeds: [{ feedId: 'alpha', episodes: 0 }] } },
    });
    api.fleet.episode(alpha, 1);
    expect(await next()).toMatchObject({
      sequence: 2n,
      message: { $case: 'delta', value: { feeds: [{ feedId: 'alpha', episodes: 1 }] } },
    });
    expect(api.server.watchers).toBe(1);
  });

  test('sends only heartbeats while nothing changes', async () => {
    const clock = new ManualClock();
    const api = await apiBundle(clock);
    api.fleet.feed(alpha);
    const next = reader(api.fleets.watch({ intervalMs: 0 }));
    await next();
    for (const sequence of [2n, 3n, 4n]) {
      await until(() => clock.sleeping() === 2);
      await clock.advance(10_000);
      expect(await next()).toMatchObject({ sequence, message: { $case: 'heartbeat' } });
    }
  });

  test('keeps nothing for a watcher that does not read: later it gets the newest state, and what it missed is counted', async () => {
    const clock = new ManualClock();
    const api = await apiBundle(clock);
    const feeds = Array.from({ length: 200 }, (_, n) => `feed-${n}` as FeedId);
    // 800 KB a message: far more than the connection takes ahead of its reader.
    const round = (n: number) => {
      for (const feed of feeds) api.fleet.feed(feed, { title: `${n} ${'x'.repeat(4_000)}` });
      for (let k = 0; k < 50; k++) api.fleet.event(`event ${n}`);
    };
    round(0);
    const call = api.fleets.watch({ intervalMs: 100 });
    call.on('error', () => undefined);
    await new Promise((resolve) => call.once('metadata', resolve));
    for (let n = 1; n <= 30; n++) {
      round(n);
      await clock.advance(1_000);
    }
    const next = reader(call);
    const deltas: WatchDelta[] = [];
    expect((await next()).message?.$case).toBe('snapshot');
    while (!deltas.at(-1)?.feeds[0]?.title.startsWith('30 ')) {
      const { sequence, message } = await next();
      invariant(message?.$case === 'delta', 'a delta');
      deltas.push(message.value);
      expect(sequence).toBe(BigInt(deltas.length + 1));
      await until(() => clock.sleeping() > 0);
      await clock.advance(200);
    }
    expect(deltas.length).toBeLessThanOrEqual(4);
    const told = deltas.reduce((sum, { events }) => sum + events.length, 0);
    const dropped = deltas.reduce((sum, { eventsDropped }) => sum + Number(eventsDropped), 0);
    expect(dropped).toBeGreaterThan(0);
    expect(told + dropped).toBe(30 * 50);
  });

  test('is freed when the watcher leaves', async () => {
    const api = await apiBundle();
    const call = api.fleets.watch({ intervalMs: 0 });
    await reader(call)();
    call.cancel();
    await until(() => api.server.watchers === 0 && api.calls.length === 1);
    expect(api.calls).toEqual(['Watch CANCELLED']);
  });

  test('refuses an interval that it cannot keep', async () => {
    const api = await apiBundle();
    await expect(reader(api.fleets.watch({ intervalMs: 99 }))()).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'interval_ms is 99: give 100 to 60000, or 0 for 500',
    });
  });
});

describe('the server', () => {
  test('ends every stream and wait when it stops, and its port is free again', async () => {
    const api = await apiBundle();
    const next = reader(api.fleets.watch({ intervalMs: 0 }));
    await next();
    const waiting = ask(api.fleets.getOverview.bind(api.fleets), { minRevision: 9n });
    const refused = waiting.catch((error: ServiceError) => error);
    await until(() => api.fleet.listeners === 2);
    const ended = next().catch((error: ServiceError) => error);
    await api.server.stop();
    expect(await ended).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining('this coordinator is stopping'),
    });
    expect(await refused).toMatchObject({ code: status.UNAVAILABLE });
    expect([api.server.watchers, api.fleet.listeners]).toEqual([0, 0]);
    const port = Number(api.address.split(':')[1]);
    const probe = createServer();
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    await new Promise((resolve) => probe.close(resolve));
  });

  test('that takes no more calls refuses those that come, and answers the one that runs', async () => {
    const api = await apiBundle();
    const running = ask(api.fleets.getOverview.bind(api.fleets), { minRevision: 1n });
    await until(() => api.fleet.listeners === 1);
    api.server.refuseCalls();
    const late = ask(api.fleets.getOverview.bind(api.fleets), { minRevision: 0n });
    await expect(late).rejects.toMatchObject({ code: status.UNAVAILABLE });
    api.fleet.feed(alpha);
    expect((await running).overview?.feeds).toBe(1);
  });

  test('cuts the connection of a watcher that does not read when its time to stop is over', async () => {
    const clock = new ManualClock();
    const api = await apiBundle(clock);
    const title = 'x'.repeat(4_000);
    for (let n = 0; n < 200; n++) api.fleet.feed(`feed-${n}` as FeedId, { title });
    const call = api.fleets.watch({ intervalMs: 0 });
    call.on('error', () => undefined);
    await new Promise((resolve) => call.once('metadata', resolve));
    const stopped = api.server.stop();
    await until(() => clock.sleeping() === 1);
    await clock.advance(2_000);
    await stopped;
    expect([api.server.watchers, clock.sleeping()]).toEqual([0, 0]);
  });

  test('can be stopped twice, and before it was started', async () => {
    const api = await apiBundle();
    await Promise.all([api.server.stop(), api.server.stop()]);
    const { fleet } = api;
    const never = new GrpcServer({
      listen: { host: '127.0.0.1', port: 0 },
      fleet,
      clock: systemClock,
      security: null,
      onCall: () => undefined,
      onBug: () => undefined,
      onAudit: () => undefined,
      onRefused: () => undefined,
    });
    await never.stop();
  });

  test('says in one sentence that its port is taken, and by which setting to choose another', async () => {
    const api = await apiBundle();
    const port = Number(api.address.split(':')[1]);
    const second = new GrpcServer({
      listen: { host: '127.0.0.1', port },
      fleet: api.fleet,
      clock: systemClock,
      security: null,
      onCall: () => undefined,
      onBug: () => undefined,
      onAudit: () => undefined,
      onRefused: () => undefined,
    });
    await expect(second.start()).rejects.toThrow(
      `the address 127.0.0.1:${port} is taken by another program: stop that one, or set coordinator.grpc.listen to another address`,
    );
  });

  test('serves grpc.health.v1: NOT_SERVING until it is told otherwise', async () => {
    const api = await apiBundle();
    const Health = makeGenericClientConstructor(healthService, 'grpc.health.v1.Health');
    const health = new Health(api.address, credentials.createInsecure());
    const check = () =>
      new Promise((resolve, reject) => {
        health.check?.({ service: '' }, (error: ServiceError | null, answer: { status: string }) =>
          error === null ? resolve(answer.status) : reject(error),
        );
      });
    expect(await check()).toBe('NOT_SERVING');
    api.server.setServing(true);
    expect(await check()).toBe('SERVING');
    health.close();
  });
});
