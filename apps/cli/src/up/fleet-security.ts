import { openAuthority } from '@podctl/platform/authority/authority.ts';
import type { CoordinatorSecurity, NatsAccess } from '@podctl/platform/bootstrap.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { formatAddress, isLoopback, isWildcard, parseAddress } from '@podctl/platform/endpoint.ts';
import { ownHosts } from '@podctl/platform/own-hosts.ts';
import { CommandError, EXIT } from '../command-error.ts';

/** Whether something of `up` listens beyond this machine: then it speaks TLS, and asks who is there. */
export function isOpen({ nats, coordinator }: Settings): boolean {
  const { grpc, http, bytes } = coordinator;
  const listens = [grpc.listen, http.listen, ...(bytes.listen === null ? [] : [bytes.listen])];
  if (nats.servers === null) listens.push(nats.listen);
  return listens.some(({ host }) => !isLoopback(host));
}

/** Under which others reach this machine, the one that they are told first. */
export function hostsOf({ coordinator: { advertise, grpc, bytes } }: Settings): readonly string[] {
  if (advertise !== null) return advertise;
  const told = [bytes.listen, grpc.listen].flatMap((listen) =>
    listen === null ? [] : [listen.host],
  );
  const named = told.filter((host) => !isWildcard(host) && !isLoopback(host));
  return [...new Set([...named, ...ownHosts()])];
}

/**
 * For a coordinator that has the fleet's keys.
 *
 * @param localAgents names of the agents that are run beside it.
 */
export function securityOf(
  settings: Settings,
  nats: NatsAccess,
  localAgents: readonly string[] = [],
): CoordinatorSecurity {
  const hosts = hostsOf(settings);
  return {
    authorityFolder: settings.security.authorityFolder,
    hosts,
    agentNatsServers: nats.servers.map((server) => forOthers(server, hosts)),
    otherByteUrls: settings.coordinator.bytes.others,
    localAgents,
  };
}

/** Null where there are no keys. Rejects with CommandError when the settings name a folder without. */
export async function securityAt(
  settings: Settings,
  nats: NatsAccess,
): Promise<CoordinatorSecurity | null> {
  const { authorityFolder, authorityIsNamed } = settings.security;
  if ((await openAuthority(authorityFolder)) !== null) return securityOf(settings, nats);
  if (!authorityIsNamed) return null;
  throw new CommandError(
    EXIT.usage,
    `security.authority: there are no keys of a fleet in ${authorityFolder}; make them with "podctl coordinator init", or copy them from another coordinator`,
  );
}

/** A server of this machine, as another one reaches it. */
function forOthers(server: string, [first]: readonly string[]): string {
  const [, scheme = 'nats', place = ''] = /^([a-z]+):\/\/(.*)$/.exec(server) ?? [];
  const { host, port } = parseAddress(place);
  if (!isLoopback(host) || first === undefined) return server;
  return `${scheme}://${formatAddress({ host: first, port })}`;
}
