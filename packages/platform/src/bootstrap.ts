import { readFile } from 'node:fs/promises';
import type { Settings } from './config/settings.ts';
import { SettingsError } from './config/settings-error.ts';
import type { Address } from './endpoint.ts';

/** How to reach NATS, and as whom. */
export interface NatsAccess {
  /** `nats://host:port` or `tls://host:port`, one or more of one cluster. */
  readonly servers: readonly string[];
  readonly as: NatsIdentity;
  /** Certificates (PEM) that the servers are checked with; null: those of the system. */
  readonly ca: string | null;
}

export type NatsIdentity =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  /** A user with every right, made at each start by who has the fleet's keys. */
  | { readonly kind: 'authority'; readonly folder: string }
  /** A credentials file as NATS's own tools write it. */
  | { readonly kind: 'file'; readonly path: string }
  /** The agent whose credential is in the file. */
  | { readonly kind: 'agent'; readonly credentialFile: string };

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
  /** Holds the bearer token that `/metrics` asks for; null: none. */
  readonly metricsTokenFile: string | null;
  /** Where to write `{grpc, http}`, `host:port` each, once it is ready; null when nobody asks. */
  readonly endpointFile: string | null;
}

export interface CoordinatorBootstrap extends CommonBootstrap {
  readonly grpcListen: Address;
  /** For agents of other machines: enrolment, and the bytes of those without a mount of the library; null: not served. */
  readonly bytesListen: Address | null;
  /** Null: no keys, so nobody is let in, nothing is encrypted, and everything must listen on loopback. */
  readonly security: CoordinatorSecurity | null;
  /** A lock on the data folder proves that no other coordinator lives. */
  readonly proveAlone: boolean;
  /** A backup to restore, in place of the work of a coordinator; its news are lines of stdout. */
  readonly restoreFile?: string;
}

export interface CoordinatorSecurity {
  readonly authorityFolder: string;
  /** Names and addresses of this machine, for its certificate; other machines are told the first. */
  readonly hosts: readonly string[];
  /** Where agents of other machines reach NATS. */
  readonly agentNatsServers: readonly string[];
  /** `https://host:port` of the other coordinators' byte listeners. */
  readonly otherByteUrls: readonly string[];
  /** Names of agents that who runs this coordinator runs beside it: they need no record to be let in. */
  readonly localAgents: readonly string[];
}

export interface AgentBootstrap extends CommonBootstrap {
  readonly agentId: string;
  /** `https://host:port` of the coordinators that serve bytes. Empty: the library is mounted at `libraryRoot`. */
  readonly coordinators: readonly string[];
  /** Of an agent that was enrolled: it is renewed there, and opens the coordinators' byte listeners. Null: of none. */
  readonly credentialFile: string | null;
  /** How long it may finish what runs once it is asked to stop; 0 hands it back at once. */
  readonly drainMs: number;
  readonly pythonPath: string;
  readonly engineScript: string;
  /** The folder of CUDA's libraries for the engine; null or absent: there is none, since no GPU was seen. */
  readonly cudaLibraries?: string | null;
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
