import { err, ok, type Result } from '@podctl/domain/result.ts';
import { isLoopback, parseAddress } from '@podctl/platform/endpoint.ts';

/** A fleet that this user knows by a name: where its coordinators are, and what to trust and show there. */
export interface Context {
  readonly name: string;
  /** `host:port` of coordinators for gRPC, one at least. */
  readonly servers: readonly string[];
  /** Certificates that the coordinators' must come from; null: nothing is encrypted. */
  readonly caPem: string | null;
  /** Absolute path of a file with the bearer token; null where nobody asks for one. */
  readonly tokenFile: string | null;
}

/** What `podctl up` runs here: always there, kept in no file. */
export const LOCAL_CONTEXT = 'local';

const namePattern = /^[a-z0-9](?:[a-z0-9._-]{0,46}[a-z0-9])?$/;
const addressPattern = /^(?:[^\s/:[\]]+|\[[0-9a-f:]+\]):(\d+)$/i;

/** The name that a context may have. */
export function contextName(text: string): Result<string, string> {
  if (!namePattern.test(text))
    return err(
      `the context name ${JSON.stringify(text.slice(0, 60))} is not 1 to 48 of a-z, 0-9 and inner dots, hyphens and underscores; choose another`,
    );
  if (text === LOCAL_CONTEXT)
    return err(
      `the context "${LOCAL_CONTEXT}" is what "podctl up" runs here and cannot be changed; choose another name`,
    );
  return ok(text);
}

/** One or several `host:port` with commas between. */
export function serverList(text: string): Result<readonly string[], string> {
  const servers: string[] = [];
  for (const part of text.split(',')) {
    const server = serverAddress(part);
    if (!server.ok) return server;
    servers.push(server.value);
  }
  return ok(servers);
}

function serverAddress(address: string): Result<string, string> {
  const match = addressPattern.exec(address);
  const port = Number(match?.[1]);
  if (port >= 1 && port <= 65_535) return ok(address);
  const seen = `the server address ${JSON.stringify(address)}`;
  if (match !== null)
    return err(
      `${seen} has no possible port; expected host:port with a port from 1 to 65535, e.g. --server 127.0.0.1:7070`,
    );
  return err(
    `${seen} is not host:port; give e.g. --server 127.0.0.1:7070, or several with commas between`,
  );
}

/** Null when it may be done; else one sentence. A token is worth as much as what it opens: it is not shown to the network. */
export function tokenInTheClear(servers: readonly string[], hasCa: boolean): string | null {
  const open = hasCa ? undefined : servers.find((server) => !isLoopback(parseAddress(server).host));
  if (open === undefined) return null;
  return `the token would go to ${open} unencrypted, where others can read it; name the fleet's CA certificate with --ca-file (its admins have it as ca.crt)`;
}

/** What the file of a context holds. */
export interface ContextFile {
  readonly servers: readonly string[];
  readonly ca: string | null;
  readonly tokenFile: string | null;
}

export function contextFile({ servers, caPem, tokenFile }: Context): ContextFile {
  return { servers, ca: caPem, tokenFile };
}

/** From the text of its file; null when it is none. */
export function parseContext(name: string, text: string): Context | null {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof found !== 'object' || found === null) return null;
  const {
    servers,
    ca = null,
    tokenFile = null,
  } = found as Partial<Record<keyof ContextFile, unknown>>;
  if (!Array.isArray(servers) || servers.length === 0) return null;
  if (!servers.every((server) => typeof server === 'string' && serverAddress(server).ok))
    return null;
  if (!isTextOrNull(ca) || !isTextOrNull(tokenFile)) return null;
  return { name, servers, caPem: ca, tokenFile };
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}
