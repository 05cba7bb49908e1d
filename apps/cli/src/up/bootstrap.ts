import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type AgentId, agentId, slug } from '@podctl/domain/ids.ts';
import { invariant } from '@podctl/domain/result.ts';
import type {
  AgentBootstrap,
  AppKey,
  CoordinatorBootstrap,
  CoordinatorSecurity,
  NatsAccess,
} from '@podctl/platform/bootstrap.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { type Address, type Endpoint, parseAddress } from '@podctl/platform/endpoint.ts';
import { dataFolder } from './data-folder.ts';
import type { Toolchain } from './toolchain.ts';

/** `before`: where it listened in an earlier life of this `up`; it gets the same ports, so that who watches finds it again. */
export function coordinatorBootstrap(
  settings: Settings,
  nats: NatsAccess,
  security: CoordinatorSecurity | null,
  before: Endpoint | null,
): Omit<CoordinatorBootstrap, 'endpointFile'> {
  return {
    settings,
    nats,
    security,
    metricsTokenFile: settings.security.metricsTokenFile,
    libraryRoot: settings.library.folder,
    stateDir: dataFolder(settings.dataDir).coordinatorState,
    grpcListen: again(before?.grpc, settings.coordinator.grpc.listen),
    httpListen: again(before?.http, settings.coordinator.http.listen),
    bytesListen:
      settings.coordinator.bytes.listen === null
        ? null
        : again(before?.bytes, settings.coordinator.bytes.listen),
    // Only the one who also runs the NATS server knows that no other coordinator uses it.
    proveAlone: settings.nats.servers === null,
  };
}

/** Where an agent's fleet is, and what opens it. */
export interface AgentPlace {
  readonly agentId: string;
  readonly nats: NatsAccess;
  /** Empty: the library is mounted here. */
  readonly coordinators: readonly string[];
  readonly credentialFile: string | null;
}

export function agentBootstrap(
  settings: Settings,
  place: AgentPlace,
  { python: pythonPath, cudaLibraries }: Pick<Toolchain, 'python' | 'cudaLibraries'>,
  drainMs: number,
  before: Endpoint | null,
): Omit<AgentBootstrap, 'endpointFile'> {
  return {
    ...place,
    settings,
    metricsTokenFile: settings.security.metricsTokenFile,
    libraryRoot: settings.library.folder,
    stateDir: dataFolder(settings.dataDir).agentState,
    httpListen: again(before?.http, settings.agent.http.listen),
    drainMs,
    pythonPath,
    cudaLibraries,
    engineScript: inAgent('../engines/whisper_engine.py'),
  };
}

/** An agent's id when nobody gave it one. */
export function agentIdOf({ agent }: Settings): AgentId {
  const id = agentId(agent.id ?? slug(hostname()) ?? 'agent');
  invariant(id.ok, 'settings and slugs are checked');
  return id.value;
}

function again(before: string | undefined, otherwise: Address): Address {
  return before === undefined || before === '' ? otherwise : parseAddress(before);
}

/** The app's main.ts: apps never import each other, they start each other. */
export function appScript(key: AppKey): string {
  return fileURLToPath(import.meta.resolve(`@podctl/${key}/main.ts`));
}

export function requirementsPath(): string {
  return inAgent('../engines/requirements.txt');
}

/** In an environment of their own: one that is there need not be made anew when a GPU comes. */
export function cudaRequirementsPath(): string {
  return inAgent('../engines/requirements-cuda.txt');
}

function inAgent(path: string): string {
  return fileURLToPath(new URL(path, import.meta.resolve('@podctl/agent/main.ts')));
}
