import type { NatsAccess } from '@podctl/platform/bootstrap.ts';
import { type Address, formatAddress, isLoopback } from '@podctl/platform/endpoint.ts';
import { plainNatsProblem } from '@podctl/platform/nats-login.ts';

export interface Exposure {
  readonly httpListen: Address;
  readonly nats: NatsAccess;
  /** Where bytes go. */
  readonly coordinators: readonly string[];
  /** Whether this agent can encrypt and show who it is. */
  readonly hasCredential: boolean;
}

const JOIN = 'let this machine join with a token (podctl agent install)';

/** What would be said or shown in the clear to other machines, in one sentence; null: nothing. */
export function exposureProblem({
  httpListen,
  nats,
  coordinators,
  hasCredential,
}: Exposure): string | null {
  if (!hasCredential && !isLoopback(httpListen.host))
    return `agent.http.listen: ${formatAddress(httpListen)} is reached by other machines, and this agent has no credential to encrypt with: listen on 127.0.0.1, or ${JOIN}`;
  for (const url of coordinators) {
    const isEncrypted = url.startsWith('https://');
    if (!isEncrypted && !isLoopback(hostOf(url)))
      return `the coordinator ${url} is on another machine, and what is sent there would not be encrypted: name its https address`;
    if (isEncrypted && !hasCredential)
      return `the coordinator ${url} is open to agents that joined only, and this one has no credential: ${JOIN}`;
  }
  return plainNatsProblem(nats);
}

function hostOf(url: string): string {
  return URL.parse(url)?.hostname.replace(/^\[(.*)\]$/, '$1') ?? '';
}
