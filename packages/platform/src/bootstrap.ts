import { readFile } from 'node:fs/promises';
import type { Settings } from './config/settings.ts';
import { SettingsError } from './config/settings-error.ts';
import type { Address } from './endpoint.ts';

/**
 * What a process of ours is told by the one that starts it (`podctl up`, `podctl coordinator run`, `podctl agent run`): a
 * JSON file that only this user may read, named by an environment variable. The settings are resolved there, once, the
 * flags of the command line included.
 */
export interface CommonBootstrap {
  readonly settings: Settings;
  readonly natsUrl: string;
  /** Null: none is needed. */
  readonly natsUser: string | null;
  readonly natsPassword: string | null;
  readonly libraryRoot: string;
  readonly stateDir: string;
  readonly httpListen: Address;
  /** Where to write `{grpc, http}`, `host:port` each, once it is ready; null when nobody asks. */
  readonly endpointFile: string | null;
}

export interface CoordinatorBootstrap extends CommonBootstrap {
  readonly grpcListen: Address;
  /** A lock on the data folder proves that no other coordinator lives. */
  readonly proveAlone: boolean;
}

export interface AgentBootstrap extends CommonBootstrap {
  readonly agentId: string;
  readonly pythonPath: string;
  readonly engineScript: string;
}

interface Bootstraps {
  readonly coordinator: CoordinatorBootstrap;
  readonly agent: AgentBootstrap;
}

export type AppKey = keyof Bootstraps;

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
