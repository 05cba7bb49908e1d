import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { CommandError, EXIT } from './command-error.ts';

/** Where coordinators of one fleet listen for gRPC, and who said so. */
export interface Endpoint {
  /** `host:port` each; one at least, tried in this order. */
  readonly addresses: readonly string[];
  /** In words, e.g. `from --server`. */
  readonly origin: string;
}

/** Written by `podctl up` when its coordinator is ready. */
export interface EndpointFile {
  /** `host:port` */
  readonly grpc: string;
  /** `host:port` */
  readonly http: string;
  /** Process id of `podctl up`. */
  readonly pid: number;
}

export const ENDPOINT_FILE = 'endpoint.json';

/** `.podctl` here when it is there (`npm start` makes it), else the user's data directory (XDG). */
export function defaultDataDir(env: NodeJS.ProcessEnv = process.env): string {
  const local = resolve('.podctl');
  if (existsSync(local)) return local;
  const xdg = env.XDG_DATA_HOME;
  return join(xdg === undefined || xdg === '' ? join(homedir(), '.local', 'share') : xdg, 'podctl');
}

/** The coordinators to talk to: `server`, one or several with commas between, when given; else what `up` wrote into the data folder. Throws CommandError. */
export function resolveEndpoint(server: string | undefined, dataDir: string): Endpoint {
  if (server !== undefined)
    return { addresses: server.split(',').map(checked), origin: 'from --server or PODCTL_SERVER' };
  const path = join(dataDir, ENDPOINT_FILE);
  const file = readEndpointFile(path);
  if (file === null)
    throw new CommandError(
      EXIT.unavailable,
      `no coordinator is known: neither --server nor PODCTL_SERVER is set, and there is no ${path}; start one with "podctl up"`,
    );
  return { addresses: [file.grpc], origin: `from ${path}` };
}

function checked(address: string): string {
  const match = /^(?:[^\s/:[\]]+|\[[0-9a-f:]+\]):(\d+)$/i.exec(address);
  const port = Number(match?.[1]);
  if (port >= 1 && port <= 65_535) return address;
  if (match !== null)
    throw new CommandError(
      EXIT.usage,
      `the server address ${JSON.stringify(address)} has no possible port; expected host:port with a port from 1 to 65535, e.g. --server 127.0.0.1:7070`,
    );
  throw new CommandError(
    EXIT.usage,
    `the server address ${JSON.stringify(address)} is not host:port; give e.g. --server 127.0.0.1:7070, or several with commas between`,
  );
}

/** Null when the file is absent or is not an endpoint file. */
export function readEndpointFile(path: string): EndpointFile | null {
  try {
    const found: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof found !== 'object' || found === null) return null;
    const { grpc, http, pid } = found as Partial<Record<keyof EndpointFile, unknown>>;
    if (typeof grpc !== 'string') return null;
    return {
      grpc,
      http: typeof http === 'string' ? http : '',
      pid: typeof pid === 'number' ? pid : 0,
    };
  } catch {
    return null;
  }
}
