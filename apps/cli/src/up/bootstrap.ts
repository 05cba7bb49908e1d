import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { slug } from '@podctl/domain/ids.ts';
import type {
  AgentBootstrap,
  AppKey,
  CoordinatorBootstrap,
  NatsAccess,
} from '@podctl/platform/bootstrap.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { type Address, type Endpoint, parseAddress } from '@podctl/platform/endpoint.ts';
import { dataFolder } from './data-folder.ts';

/** `before`: where it listened in an earlier life of this `up`; it gets the same ports, so that who watches finds it again. */
export function coordinatorBootstrap(
  settings: Settings,
  nats: NatsAccess,
  before: Endpoint | null,
): Omit<CoordinatorBootstrap, 'endpointFile'> {
  return {
    settings,
    nats,
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

export function agentBootstrap(
  settings: Settings,
  nats: NatsAccess,
  pythonPath: string,
  drainMs: number,
  before: Endpoint | null,
  coordinators: readonly string[] = [],
): Omit<AgentBootstrap, 'endpointFile'> {
  return {
    settings,
    nats,
    libraryRoot: settings.library.folder,
    stateDir: dataFolder(settings.dataDir).agentState,
    httpListen: again(before?.http, settings.agent.http.listen),
    agentId: settings.agent.id ?? slug(hostname()) ?? 'agent',
    coordinators,
    drainMs,
    pythonPath,
    engineScript: inAgent('../engines/whisper_engine.py'),
  };
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

function inAgent(path: string): string {
  return fileURLToPath(new URL(path, import.meta.resolve('@podctl/agent/main.ts')));
}
