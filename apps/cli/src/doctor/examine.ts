import { hostname } from 'node:os';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { commandErrorFrom } from '../command-error.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Installation } from '../install/installation.ts';
import { type Check, fail, ok, type Seen, seen, unseenBy } from './core/check.ts';
import type { ClientFacts } from './core/fleet-facts.ts';
import { judgeClient } from './core/judge-client.ts';
import { judgeWholeFleet } from './core/judge-fleet.ts';
import { judgeMachine, noAgentHere } from './core/judge-machine.ts';
import type { MachineFacts } from './core/machine-facts.ts';
import { type FleetDocuments, type FleetProbe, probeFleet } from './probe-fleet.ts';
import { type AgentHere, agentHere, probeMachine } from './probe-machine.ts';
import { probeSync } from './probe-sync.ts';

export interface ExamineRequest {
  readonly podctlVersion: string;
  readonly dataDir: string;
  /** From `--nats-monitor`. */
  readonly monitor: string | null;
  /** How long each call to a coordinator may take. */
  readonly callMs: number;
  /** An agent must be here, and the coordinators need not be known. */
  readonly agentWanted: boolean;
  readonly endpoint: () => Promise<Endpoint>;
  readonly settings: () => Promise<Settings>;
  readonly installed: () => Promise<Installation | null>;
}

export interface Examination {
  readonly checks: readonly Check[];
  readonly documents: FleetDocuments | null;
  /** Null where they cannot be used. */
  readonly settings: Settings | null;
  readonly endpoint: Endpoint | null;
  readonly here: AgentHere | null;
}

/** Looks at everything, in parallel where it can be. Rejects only with the signal's reason. */
export async function examine(request: ExamineRequest, signal: AbortSignal): Promise<Examination> {
  const [endpoint, settings] = await Promise.all([
    attempted(request.endpoint),
    attempted(request.settings),
  ]);
  const here = await hereOf(request, settings);
  const [fleet, machine] = await Promise.all([
    endpoint.kind === 'seen' ? fleetAt(endpoint.value, request, signal) : null,
    here.kind === 'seen' && here.value !== null ? probeMachine(here.value, signal) : null,
  ]);
  const client = clientFacts(request, endpoint, here);
  const checks = [
    ...judgeClient(client),
    ...settingsChecks(settings, here),
    ...judgeWholeFleet(client, fleet?.facts ?? null),
    ...machineChecks(machine, request, here),
  ];
  return {
    checks,
    documents: fleet?.documents ?? null,
    settings: settings.kind === 'seen' ? settings.value : null,
    endpoint: endpoint.kind === 'seen' ? endpoint.value : null,
    here: here.kind === 'seen' ? here.value : null,
  };
}

function clientFacts(
  { podctlVersion, agentWanted }: ExamineRequest,
  endpoint: Seen<Endpoint>,
  here: Seen<AgentHere | null>,
): ClientFacts {
  const chosen =
    endpoint.kind === 'seen' ? seen({ ...endpoint.value, ...given(endpoint.value) }) : endpoint;
  const isEndpointNeeded = !agentWanted && !isAgentAlone(here);
  return { podctlVersion, nodeVersion: process.versions.node, endpoint: chosen, isEndpointNeeded };
}

function machineChecks(
  machine: MachineFacts | null,
  { agentWanted }: ExamineRequest,
  here: Seen<AgentHere | null>,
): readonly Check[] {
  if (machine !== null) return judgeMachine(machine);
  return agentWanted && here.kind === 'seen' ? [noAgentHere()] : [];
}

/** Where this was looked at. */
export function whereabouts(podctlVersion: string) {
  return {
    podctl: podctlVersion,
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    host: hostname(),
  };
}

function given({ ca, token }: Endpoint) {
  return { hasCa: ca !== null, hasToken: token !== null };
}

function fleetAt(
  endpoint: Endpoint,
  { dataDir, monitor, callMs }: ExamineRequest,
  signal: AbortSignal,
): Promise<FleetProbe> {
  const { addresses } = endpoint;
  const sync = (until: AbortSignal) => probeSync({ dataDir, addresses, monitor }, until);
  return probeFleet(endpoint, callMs, sync, signal);
}

async function hereOf(
  { installed }: ExamineRequest,
  settings: Seen<Settings>,
): Promise<Seen<AgentHere | null>> {
  return await attempted(async () => {
    const found = await installed();
    if (found !== null) return await agentHere(found, found.settings);
    return settings.kind === 'seen' ? await agentHere(null, settings.value) : null;
  });
}

/** Installed from elsewhere: nobody need talk to the fleet from there. */
function isAgentAlone(here: Seen<AgentHere | null>): boolean {
  return here.kind === 'seen' && here.value !== null && here.value.kind !== 'up';
}

function settingsChecks(settings: Seen<Settings>, here: Seen<AgentHere | null>): readonly Check[] {
  const bad = [settings, here].find(({ kind }) => kind === 'unseen');
  if (bad?.kind === 'unseen')
    return [
      fail(
        'settings',
        bad.why,
        bad.fix ?? 'mend that file; docs/configuration.md lists the settings',
      ),
    ];
  const dataDir = settings.kind === 'seen' ? settings.value.dataDir : '';
  return [ok('settings', `they can be used; data in ${dataDir}`)];
}

async function attempted<T>(work: () => Promise<T>): Promise<Seen<T>> {
  try {
    return seen(await work());
  } catch (error) {
    return unseenBy(commandErrorFrom(error).message);
  }
}
