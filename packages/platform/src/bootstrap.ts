import { readFile } from 'node:fs/promises';
import type { Settings } from './config/settings.ts';
import { SettingsError } from './config/settings-error.ts';
import type { Address } from './endpoint.ts';
import type { NatsAuth } from './nats/connection.ts';

/** How to reach NATS. */
export interface NatsAccess {
  /** `nats://host:port`, one or more of one cluster. */
  readonly servers: readonly string[];
  /** Null: no user is needed. */
  readonly user: string | null;
  readonly password: string | null;
}

/**
 * What a process of ours is told by the one that starts it (`podctl up`, `podctl coordinator run`, `podctl agent run`): a
 * JSON file that only this user may read, named by an environment variable. The settings are resolved there, once, the
 * flags of the command line included.
 */
export interface CommonBootstrap {
  readonly settings: Settings;
  readonly nats: NatsAccess;
  readonly libraryRoot: string;
  readonly stateDir: string;
  readonly httpListen: Address;
  /** Where to write `{grpc, http}`, `host:port` each, once it is ready; null when nobody asks. */
  readonly endpointFile: string | null;
}

export interface CoordinatorBootstrap extends CommonBootstrap {
  readonly grpcListen: Address;
  /** For the bytes of agents without a mount of the library; null: they are not served. */
  readonly bytesListen: Address | null;
  /** A lock on the data folder proves that no other coordinator lives. */
  readonly proveAlone: boolean;
  /** A backup to restore, in place of the work of a coordinator; its news are lines of stdout. */
  readonly restoreFile?: string;
}

export interface AgentBootstrap extends CommonBootstrap {
  readonly agentId: string;
  /** `http://host:port` of the coordinators that serve bytes. Empty: the library is mounted at `libraryRoot`. */
  readonly coordinators: readonly string[];
  /** How long it may finish what runs once it is asked to stop; 0 hands it back at once. */
  readonly drainMs: number;
  readonly pythonPath: string;
  readonly engineScript: string;
}

interface Bootstraps {
  readonly coordinator: CoordinatorBootstrap;
  readonly agent: AgentBootstrap;
}

export type AppKey = keyof Bootstraps;

export function natsAuth({ user, password }: NatsAccess): NatsAuth {
  return user === null || password === null
    ? { kind: 'none' }
    : { kind: 'password', user, password };
}

/** Names the bootstrap file to an app. */
export function bootstrapVariable(app: AppKey): string {
  return `PODCTL_${app.toUpperCase()}_BOOTSTRAP`;
}

/** Rejects with `SettingsError` when there is no such file: the app was not started by podctl. */
export async function readBootstrap<App extends AppKey>(
  app: App,
  env: NodeJS.ProcessEnv,
): Promise<Bootstraps[App]> {
  const variable = bootstrapVariable(app);
  const path = env[variable];
  if (path === undefined || path === '')
    throw new SettingsError(
      `${variable} is not set; start this with "podctl ${app} run" or "podctl up"`,
    );
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Bootstraps[App];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SettingsError(`${path}, which ${variable} names, cannot be read: ${why}`, error);
  }
}
