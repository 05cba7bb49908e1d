import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { formatAddress, isWildcard, parseAddress } from '@podctl/platform/endpoint.ts';
import { CommandError, EXIT } from './command-error.ts';
import { LOCAL_CONTEXT, serverList, tokenInTheClear } from './context/context.ts';
import {
  configFolder,
  currentContext,
  missingContext,
  readContext,
} from './context/context-store.ts';
import { readCaFile, readTokenFile } from './context/credential-file.ts';

/** Where coordinators of one fleet listen for gRPC, and who said so. */
export interface Endpoint {
  /** `host:port` each; one at least, tried in this order. */
  readonly addresses: readonly string[];
  /** In words, e.g. `from --server`. */
  readonly origin: string;
  /** PEM certificates that the coordinators' must come from; null: nothing is encrypted. */
  readonly ca: string | null;
  /** The bearer token to show; null: none. Never printed. */
  readonly token: string | null;
  /** The context that was chosen; absent where none was. */
  readonly context?: string;
}

/** What the command line named. The environment is asked where it named nothing. */
export interface Asked {
  /** `--server` */
  readonly server?: string | undefined;
  /** `--context` */
  readonly context?: string | undefined;
  /** `--ca-file`, or PODCTL_CA_FILE. */
  readonly caFile?: string | undefined;
  readonly dataDir: string;
  /** Whether the command line names the data folder, so that what runs there is meant. */
  readonly isDataDirNamed: boolean;
}

/** Written by `podctl up` when its coordinator is ready. */
export interface EndpointFile {
  /** `host:port` */
  readonly grpc: string;
  /** `host:port` */
  readonly http: string;
  /** Process id of `podctl up`. */
  readonly pid: number;
  /** Path of the CA's certificate; null where nothing is encrypted. */
  readonly ca: string | null;
  /** Path of the admin's token; null where nobody is asked for one. */
  readonly tokenFile: string | null;
}

export const ENDPOINT_FILE = 'endpoint.json';

/** `.podctl` here when it is there (`npm start` makes it), else the user's data directory (XDG). */
export function defaultDataDir(env: NodeJS.ProcessEnv = process.env): string {
  const local = resolve('.podctl');
  if (existsSync(local)) return local;
  const xdg = env.XDG_DATA_HOME;
  return join(xdg === undefined || xdg === '' ? join(homedir(), '.local', 'share') : xdg, 'podctl');
}

/**
 * The coordinators to talk to: flags, then the environment, then the current context, then what `up` runs here. As with
 * docker and kubectl, a context that was chosen stays chosen whatever runs here; `-c local` is the way back. The CA file
 * and the token file that somebody names replace those of whatever was chosen. Rejects with CommandError.
 *
 * @param folder the user's configuration.
 */
export async function chooseEndpoint(
  asked: Asked,
  env: NodeJS.ProcessEnv = process.env,
  folder: string = configFolder(env),
): Promise<Endpoint> {
  const chosen = await chosenEndpoint(asked, env, folder);
  const { caFile } = asked;
  const tokenFile = named(env.PODCTL_TOKEN_FILE);
  const endpoint = {
    ...chosen,
    ...(caFile === undefined ? {} : { ca: readCaFile(caFile) }),
    ...(tokenFile === undefined
      ? {}
      : {
          token: readTokenFile(tokenFile, 'PODCTL_TOKEN_FILE'),
          origin: `${chosen.origin}, with the token of PODCTL_TOKEN_FILE`,
        }),
  };
  const refusal =
    endpoint.token === null ? null : tokenInTheClear(endpoint.addresses, endpoint.ca !== null);
  if (refusal !== null) throw new CommandError(EXIT.usage, refusal);
  return endpoint;
}

async function chosenEndpoint(
  asked: Asked,
  env: NodeJS.ProcessEnv,
  folder: string,
): Promise<Endpoint> {
  const flagged = asked.context;
  const context = flagged ?? named(env.PODCTL_CONTEXT);
  // Who names a context on the command line does not mean the server that the environment names.
  const server = asked.server ?? (flagged === undefined ? named(env.PODCTL_SERVER) : undefined);
  const serverFrom = asked.server === undefined ? 'PODCTL_SERVER' : '--server';
  if (context !== undefined) {
    const from = flagged === undefined ? 'PODCTL_CONTEXT' : '--context';
    const found = await contextEndpoint(context, `from ${from} ${context}`, asked.dataDir, folder);
    if (server === undefined) return found;
    return { ...found, addresses: servers(server), origin: `${found.origin} and ${serverFrom}` };
  }
  if (server !== undefined) return resolveEndpoint(server, asked.dataDir, `from ${serverFrom}`);
  return asked.isDataDirNamed
    ? resolveEndpoint(undefined, asked.dataDir)
    : await currentEndpoint(asked.dataDir, folder);
}

async function currentEndpoint(dataDir: string, folder: string): Promise<Endpoint> {
  const current = await currentContext(folder);
  if (current === null) return resolveEndpoint(undefined, dataDir);
  const isUpHere = readEndpointFile(join(dataDir, ENDPOINT_FILE)) !== null;
  const hint = isUpHere ? `; what "podctl up" runs here is "-c ${LOCAL_CONTEXT}"` : '';
  return await contextEndpoint(
    current,
    `from the current context ${current}${hint}`,
    dataDir,
    folder,
  );
}

/** Where a context leads, with its token read. Rejects with CommandError. */
async function contextEndpoint(
  name: string,
  origin: string,
  dataDir: string,
  folder: string,
): Promise<Endpoint> {
  if (name === LOCAL_CONTEXT) return resolveEndpoint(undefined, dataDir);
  const context = await readContext(name, folder);
  if (context === null) throw await missingContext(name, folder);
  const { servers: addresses, caPem: ca, tokenFile } = context;
  const token = tokenFile === null ? null : readTokenFile(tokenFile, `the context ${name}`);
  return { addresses, origin, ca, token, context: name };
}

/** The coordinators at `server`, one or several with commas between; when it is not given, what `up` runs in the data folder. Throws CommandError. */
export function resolveEndpoint(
  server: string | undefined,
  dataDir: string,
  origin = 'from --server or PODCTL_SERVER',
): Endpoint {
  if (server !== undefined) return { addresses: servers(server), origin, ca: null, token: null };
  const path = join(dataDir, ENDPOINT_FILE);
  const file = readEndpointFile(path);
  if (file === null)
    throw new CommandError(
      EXIT.unavailable,
      `no coordinator is known: no --server, no context, and nothing of "podctl up" in ${dataDir}; start one with "podctl up", or name the folder of one that runs with --data-dir`,
    );
  return {
    addresses: [fromHere(file.grpc)],
    origin: `from ${path}`,
    ca: file.ca === null ? null : readCaFile(file.ca),
    token: file.tokenFile === null ? null : readTokenFile(file.tokenFile, path),
  };
}

/** What listens on every address is asked on one that its certificate is for. */
function fromHere(listen: string): string {
  const { host, port } = parseAddress(listen);
  if (!isWildcard(host)) return listen;
  return formatAddress({ host: host === '::' ? '::1' : '127.0.0.1', port });
}

function servers(text: string): readonly string[] {
  const list = serverList(text);
  if (list.ok) return list.value;
  throw new CommandError(EXIT.usage, list.error);
}

/** An empty variable names nothing. */
function named(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

/** Null when the file is absent or is not an endpoint file. */
export function readEndpointFile(path: string): EndpointFile | null {
  try {
    const found: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof found !== 'object' || found === null) return null;
    const { grpc, http, pid, ca, tokenFile } = found as Partial<
      Record<keyof EndpointFile, unknown>
    >;
    if (typeof grpc !== 'string') return null;
    return {
      grpc,
      http: typeof http === 'string' ? http : '',
      pid: typeof pid === 'number' ? pid : 0,
      ca: typeof ca === 'string' ? ca : null,
      tokenFile: typeof tokenFile === 'string' ? tokenFile : null,
    };
  } catch {
    return null;
  }
}
