import { type Check, seen } from './check.ts';
import type {
  AddressFacts,
  BucketFacts,
  ClientFacts,
  DiagnosisFacts,
  FleetFacts,
} from './fleet-facts.ts';
import { judgeWholeFleet } from './judge-fleet.ts';

/** A fleet that is well, for tests to break. */
export const NOW = 1_800_000_000_000;
export const DAY = 86_400_000;

export const client: ClientFacts = {
  podctlVersion: '0.4.2',
  nodeVersion: '24.21.0',
  endpoint: seen({
    addresses: ['c1:7070'],
    origin: 'from the current context home',
    hasCa: true,
    hasToken: true,
  }),
  isEndpointNeeded: true,
};

export const address: AddressFacts = {
  address: 'c1:7070',
  isLoopback: false,
  tcp: seen({ tookMs: 1.2 }),
  tls: {
    kind: 'trusted',
    protocol: 'TLSv1.3',
    expiresMs: NOW + 60 * DAY,
    caExpiresMs: NOW + 3_000 * DAY,
  },
};

export const bucket: BucketFacts = {
  ...{ name: 'podctl_state', replicasWanted: 3, replicas: 3, replicasCurrent: 3 },
  ...{ lag: 0, bytes: 5e6, messages: 10, problem: '' },
};

export const diagnosis: DiagnosisFacts = {
  nats: {
    ...{ connected: true, serverName: 'n1', version: '2.15.1', cluster: 'home' },
    ...{ jetstream: true, problem: '', clockAheadMs: 0, buckets: [bucket] },
  },
  disks: [
    { purpose: 'library', freeBytes: 500e9, floorBytes: 1e9, problem: '' },
    { purpose: 'state', freeBytes: 50e9, floorBytes: 0, problem: '' },
  ],
};

export const server = {
  ...{ id: 'c1', address: 'c1:7070', version: '0.4.2', leading: true, epoch: 3 },
  clock: { askedAtMs: NOW, answeredAtMs: NOW + 5, otherMs: NOW + 2, stepMs: 1 },
};

export const well: FleetFacts = {
  nowMs: NOW,
  addresses: [address],
  identity: seen({ kind: 'known', name: 'ada', role: 'admin' }),
  server: seen(server),
  problem: seen(''),
  agents: seen([{ id: 'gpu1', live: true, version: '0.4.2', problem: '' }]),
  diagnosis: seen(diagnosis),
  sync: { kind: 'told', where: 'nats-server.conf', always: true, interval: 'always' },
};

export function checksOf(facts: Partial<FleetFacts> = {}): Map<string, Check> {
  const checks = judgeWholeFleet(client, { ...well, ...facts });
  return new Map(checks.map((check) => [check.id, check]));
}

/** The check in one line: `outcome: seen -> fix`. */
export function said(id: string, facts: Partial<FleetFacts> = {}): string {
  const check = checksOf(facts).get(id);
  const fix = check?.fix ?? null;
  return `${check?.outcome}: ${check?.seen}${fix === null ? '' : ` -> ${fix}`}`;
}
