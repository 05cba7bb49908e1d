import { status } from '@grpc/grpc-js';
import type { Duration } from '@podctl/proto/google/protobuf/duration.ts';
import type { GetDiagnosisResponse } from '@podctl/proto/podctl/v1/fleet.ts';
import { CoordinatorClient } from '../client.ts';
import { CommandError, EXIT } from '../command-error.ts';
import type { Endpoint } from '../endpoint.ts';
import { isServiceError } from '../status-map.ts';
import { roleWord } from '../views/access-map.ts';
import { type AgentView, agentView, isThere } from '../views/agent-map.ts';
import { type OverviewView, overviewView } from '../views/fleet-map.ts';
import { type LockView, lockView } from '../views/lock-map.ts';
import { type Seen, unseenBy } from './core/check.ts';
import type {
  AgentFacts,
  DiagnosisFacts,
  FleetFacts,
  Identity,
  ServerFacts,
  SyncFacts,
} from './core/fleet-facts.ts';
import { isReached, isTrusted } from './core/judge-reach.ts';
import { probed } from './probe.ts';
import { probeCoordinatorAddress } from './probe-address.ts';

const LISTED_MAX = 1_000;

/** The same answers as `--json` of other commands prints them, for a bundle; null where there was none. */
export interface FleetDocuments {
  readonly status: OverviewView | null;
  readonly agents: readonly AgentView[] | null;
  readonly locks: readonly LockView[] | null;
  readonly diagnosis: DiagnosisFacts | null;
}

export interface FleetProbe {
  readonly facts: FleetFacts;
  readonly documents: FleetDocuments;
}

const NO_DOCUMENTS: FleetDocuments = { status: null, agents: null, locks: null, diagnosis: null };

/**
 * From the outside in; what cannot be asked is not asked. Rejects only with the signal's reason.
 *
 * @param callMs how long each call may take.
 */
export async function probeFleet(
  endpoint: Endpoint,
  callMs: number,
  probeSync: (signal: AbortSignal) => Promise<SyncFacts>,
  signal: AbortSignal,
): Promise<FleetProbe> {
  const [addresses, sync] = await Promise.all([
    Promise.all(
      endpoint.addresses.map((address) => probeCoordinatorAddress(address, endpoint.ca, signal)),
    ),
    probeSync(signal),
  ]);
  const facts: FleetFacts = {
    ...{ nowMs: Date.now(), addresses, sync },
    ...{ identity: null, server: null, problem: null, agents: null, diagnosis: null },
  };
  const good = addresses.filter((one) => isReached(one) && isTrusted(one));
  if (good.length === 0) return { facts, documents: NO_DOCUMENTS };
  const there = { ...endpoint, addresses: good.map(({ address }) => address) };
  const client = new CoordinatorClient(there, callMs);
  try {
    return await ask(client, facts, callMs + 500, signal);
  } finally {
    client.close();
  }
}

async function ask(
  client: CoordinatorClient,
  facts: FleetFacts,
  limitMs: number,
  signal: AbortSignal,
): Promise<FleetProbe> {
  const identity = await probed(limitMs, signal, () => identityBy(client));
  if (identity.kind === 'unseen') return { facts: { ...facts, identity }, documents: NO_DOCUMENTS };
  const [server, overview, agents, locks, diagnosis] = await Promise.all([
    probed(limitMs, signal, () => serverBy(client)),
    probed(limitMs, signal, async () => overviewView(await client.overview())),
    probed(limitMs, signal, async () => (await client.listAgents(firstPage)).agents.map(agentView)),
    probed(limitMs, signal, async () => (await client.listLocks(firstPage)).locks.map(lockView)),
    probed(limitMs, signal, async () => diagnosisFacts(await client.diagnosis())),
  ]);
  return {
    facts: {
      ...{ ...facts, identity, server, diagnosis },
      problem: mapped(overview, ({ problem }) => problem),
      agents: mapped(agents, (views) => views.filter(isShown).map(agentFacts)),
    },
    documents: {
      status: shownOf(overview),
      agents: shownOf(agents),
      locks: shownOf(locks),
      diagnosis: shownOf(diagnosis),
    },
  };
}

const firstPage = { pageSize: LISTED_MAX, pageToken: '' };

async function identityBy(client: CoordinatorClient): Promise<Identity> {
  try {
    const { name, role } = await client.whoAmI();
    return { kind: 'known', name, role: name === '' ? '' : roleWord(role) };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    // One that knows nobody asks nobody.
    if (codeOf(error.cause) === status.UNIMPLEMENTED) return { kind: 'known', name: '', role: '' };
    const told = unseenBy(error.message);
    if (error.exitCode !== EXIT.denied || told.kind === 'seen') throw error;
    return { kind: 'refused', why: told.why, fix: told.fix };
  }
}

function codeOf(error: unknown): number | null {
  return isServiceError(error) ? error.code : null;
}

async function serverBy(client: CoordinatorClient): Promise<ServerFacts> {
  const askedAtMs = Date.now();
  const info = await client.serverInfo();
  const otherMs = info.serverTime?.getTime() ?? null;
  return {
    id: info.coordinatorId,
    address: client.address,
    version: info.version,
    leading: info.leading,
    epoch: Number(info.epoch),
    clock: { askedAtMs, answeredAtMs: Date.now(), otherMs, stepMs: 1 },
  };
}

/** Those that said goodbye are nobody's trouble. */
function isShown({ state }: AgentView): boolean {
  return state !== 'gone';
}

function agentFacts(agent: AgentView): AgentFacts {
  const { agentId, version, problem, gpuProblem } = agent;
  const live = isThere(agent);
  return { id: agentId, live, version, problem: problem === '' ? gpuProblem : problem };
}

export function diagnosisFacts({ nats, disks }: GetDiagnosisResponse): DiagnosisFacts {
  return {
    nats: {
      connected: nats?.connected ?? false,
      serverName: nats?.serverName ?? '',
      version: nats?.version ?? '',
      cluster: nats?.cluster ?? '',
      jetstream: nats?.jetstream ?? false,
      problem: nats?.problem ?? '',
      clockAheadMs: nats?.clockAhead === undefined ? null : msOf(nats.clockAhead),
      buckets: (nats?.buckets ?? []).map((bucket) => ({
        ...bucket,
        lag: Number(bucket.lag),
        bytes: Number(bucket.bytes),
        messages: Number(bucket.messages),
      })),
    },
    disks: disks.map(({ purpose, freeBytes, floorBytes, problem }) => ({
      ...{ purpose, problem },
      freeBytes: Number(freeBytes),
      floorBytes: Number(floorBytes),
    })),
  };
}

function msOf({ seconds, nanos }: Duration): number {
  return Number(seconds) * 1_000 + nanos / 1e6;
}

function mapped<T, U>(found: Seen<T>, map: (value: T) => U): Seen<U> {
  return found.kind === 'seen' ? { kind: 'seen', value: map(found.value) } : found;
}

function shownOf<T>(found: Seen<T>): T | null {
  return found.kind === 'seen' ? found.value : null;
}
