import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUCKETS } from '@podctl/domain/key.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { openBucket } from '@podctl/platform/nats/bucket.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { bucketDiagnosis } from '@podctl/platform/nats/diagnosis.ts';
import { GetDiagnosisResponse } from '@podctl/proto/podctl/v1/fleet.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNatsServer, type TestNatsServer } from '../../../../test/support/nats-server.ts';
import { diagnosing, diagnosisMessage } from './diagnosis.ts';

const { signal } = new AbortController();
let folder: string;
let server: TestNatsServer;
let link: NatsLink;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-diagnosis-'));
  server = await startNatsServer();
  link = await connectNats(
    { servers: [server.url], name: 'test', auth: { kind: 'none' } },
    { clock: systemClock, random: Math.random, listen: () => undefined },
    signal,
  );
  for (const name of [BUCKETS.state, BUCKETS.meta])
    await openBucket(link, { name, replicas: 1 }, systemClock, signal);
});

afterAll(async () => {
  await link.close();
  await server.stop();
  await rm(folder, { recursive: true });
});

async function diagnosed() {
  const root = await mkdtemp(join(folder, 'library-'));
  const library = await openLibrary(root, await createLibrary(root));
  const limits = { replicas: 3, freeFloorBytes: 1e9 };
  const diagnose = diagnosing({ link, library, stateDir: folder, ...limits, clock: systemClock });
  return {
    root,
    message: async () =>
      GetDiagnosisResponse.decode(
        GetDiagnosisResponse.encode(diagnosisMessage(await diagnose(signal))).finish(),
      ),
  };
}

describe('what a coordinator sees around it', () => {
  it('is the NATS server with its clock, the buckets, and both disks', async () => {
    const { message } = await diagnosed();
    const { nats, disks, serverTime, uptime } = await message();
    expect(nats).toMatchObject({ connected: true, jetstream: true, problem: '', cluster: '' });
    expect(nats?.version).toMatch(/^2\.\d+\.\d+/);
    // One machine: the same clock.
    expect(nats?.clockAhead).toEqual({ seconds: 0n, nanos: 0 });
    expect(
      nats?.buckets.map(({ name, replicas, replicasCurrent, replicasWanted }) => [
        name,
        replicas,
        replicasCurrent,
        replicasWanted,
      ]),
    ).toEqual([
      [BUCKETS.state, 1, 1, 3],
      [BUCKETS.meta, 1, 1, 3],
      [BUCKETS.lead, 0, 0, 3],
    ]);
    expect(nats?.buckets.map(({ problem }) => problem)).toEqual(['', '', 'stream not found']);
    expect(disks.map(({ purpose, floorBytes, problem }) => [purpose, floorBytes, problem])).toEqual(
      [
        ['library', 1_000_000_000n, ''],
        ['state', 0n, ''],
      ],
    );
    expect(
      disks.every(({ freeBytes, sizeBytes }) => freeBytes > 0n && sizeBytes >= freeBytes),
    ).toBe(true);
    expect(Math.abs(Date.now() - (serverTime?.getTime() ?? 0))).toBeLessThan(60_000);
    expect(uptime).toBeDefined();
  });

  it('is a library that went away', async () => {
    const { root, message } = await diagnosed();
    await rm(root, { recursive: true });
    const [library] = (await message()).disks;
    expect(library).toMatchObject({ purpose: 'library', freeBytes: 0n });
    expect(library?.problem).not.toBe('');
  });
});

describe('the replicas of a bucket', () => {
  const stream = { config: { num_replicas: 3 }, state: { bytes: 9, messages: 2 } };
  const peer = { name: 'n2', current: true, offline: false, active: 0, lag: 0 };
  const of = (cluster: object) =>
    bucketDiagnosis('b', { ...stream, cluster } as Parameters<typeof bucketDiagnosis>[1]);

  it('count the leader, and those that are in step', () => {
    expect(of({ leader: 'n1', replicas: [peer, peer] })).toMatchObject({
      replicas: 3,
      replicasCurrent: 3,
      lag: 0,
    });
    expect(
      of({ leader: 'n1', replicas: [peer, { ...peer, current: false, lag: 7 }] }),
    ).toMatchObject({ replicasCurrent: 2, lag: 7 });
    expect(
      of({
        leader: 'n1',
        replicas: [
          { ...peer, offline: true },
          { ...peer, offline: true },
        ],
      }),
    ).toMatchObject({ replicasCurrent: 1 });
  });

  it('without a leader are one less', () => {
    expect(of({ replicas: [peer, peer] })).toMatchObject({ replicasCurrent: 2 });
  });
});
