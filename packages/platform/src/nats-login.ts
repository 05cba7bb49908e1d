import { readFileSync } from 'node:fs';
import { natsCredentialsOf, readAgentCredential } from './agent-credential.ts';
import type { Authority } from './authority/authority.ts';
import { fullCredentials } from './authority/nats-claims.ts';
import { SERVER_NAMES } from './authority/server-names.ts';
import type { NatsAccess } from './bootstrap.ts';
import { isLoopback, parseAddress } from './endpoint.ts';
import type { NatsAuth, NatsOptions } from './nats/connection.ts';

export type NatsLogin = Pick<NatsOptions, 'servers' | 'auth' | 'tls'>;

/** @param authority of who has the fleet's keys; agents have none. */
export async function natsLogin(
  { servers, as, ca }: NatsAccess,
  authority: Authority | null = null,
): Promise<NatsLogin> {
  const tls = {
    ...(ca === null ? {} : { ca }),
    ...(ca !== null && isFleets(as) ? { servername: SERVER_NAMES.nats } : {}),
  };
  const isTls = isEncrypted({ servers, as, ca });
  return { servers, auth: await authOf(as, authority), ...(isTls ? { tls } : {}) };
}

/** An agent's credentials are never sent in the clear, wherever its servers are said to be. */
function isEncrypted({ servers, as, ca }: NatsAccess): boolean {
  return ca !== null || as.kind === 'agent' || servers.some(isTls);
}

/** What would go to other machines in the clear, in one sentence; null: nothing. */
export function plainNatsProblem(access: NatsAccess): string | null {
  if (isEncrypted(access)) return null;
  const address = (server: string) =>
    server.slice(server.lastIndexOf('@') + 1).replace(/^[a-z]+:\/\//, '');
  const open = access.servers.map(address).find((at) => !isLoopback(parseAddress(at).host));
  if (open === undefined) return null;
  return `the NATS server ${open} is on another machine, and what is sent there would not be encrypted: name it tls://${open}, or set nats.caFile to the certificates that it is checked with`;
}

function isTls(server: string): boolean {
  return server.startsWith('tls://');
}

/** Whether the servers have certificates of the fleet's own CA. */
function isFleets({ kind }: NatsAccess['as']): boolean {
  return kind === 'authority' || kind === 'agent' || kind === 'file';
}

async function authOf(as: NatsAccess['as'], authority: Authority | null): Promise<NatsAuth> {
  switch (as.kind) {
    case 'nobody':
      return { kind: 'none' };
    case 'password':
      return as;
    case 'authority': {
      if (authority === null) throw new Error('broken invariant: the fleet’s keys are open');
      const text = await fullCredentials(authority.nats, 'account', 'coordinator');
      return { kind: 'credentials', read: () => text };
    }
    case 'file':
      return { kind: 'credentials', read: () => readFileSync(as.path, 'utf8') };
    case 'agent':
      return { kind: 'credentials', read: () => agentCredentialsIn(as.credentialFile) };
  }
}

/** Throws with one sentence. */
function agentCredentialsIn(path: string): string {
  const credential = readAgentCredential(path);
  if (!credential.ok) throw new Error(credential.error);
  if (credential.value === null) throw new Error(`${path} is gone; join anew with a fresh token`);
  return natsCredentialsOf(credential.value);
}
