import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { NatsAccess } from '@podctl/platform/bootstrap.ts';
import { renderJoinFile } from '@podctl/platform/config/join-file.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import {
  type Address,
  type Endpoint,
  formatAddress,
  parseAddress,
} from '@podctl/platform/endpoint.ts';
import { writePrivateFile } from '@podctl/platform/json-file.ts';

/**
 * Writes the join file for agents of other machines when both doors are open to them: the NATS server that is run here,
 * and the coordinator's byte listener. Gives one line for the person; null when nothing is offered.
 */
export async function offerJoin(
  path: string,
  settings: Settings,
  nats: NatsAccess,
  endpoint: Endpoint,
): Promise<string | null> {
  const doors = doorsOf(settings, nats, endpoint);
  if (doors === null) return null;
  const outside = outsideAddress();
  const servers = reachable(doors.nats, outside);
  const coordinator = reachable(doors.bytes, outside);
  if (servers === null || coordinator === null)
    return 'No other machine can join: this one has no address but its own loopback';
  const access = { ...nats, servers: [`nats://${servers}`] };
  await writePrivateFile(path, renderJoinFile(access, [`http://${coordinator}`]));
  return `Other machines can help: copy ${path} there, and run "podctl agent run --join join.yaml" (nothing is encrypted on the way: see docs/machines.md)`;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** Where both listen, as they were told; null unless both are open to others. */
function doorsOf(
  { nats: { servers, listen } }: Settings,
  { servers: [url = ''] }: NatsAccess,
  { bytes }: Endpoint,
): { readonly nats: Address; readonly bytes: Address } | null {
  if (servers !== null || bytes === undefined || url === '') return null;
  const byteAddress = parseAddress(bytes);
  if (isLoopback(listen.host) || isLoopback(byteAddress.host)) return null;
  return { nats: { host: listen.host, port: Number(new URL(url).port) }, bytes: byteAddress };
}

function reachable({ host, port }: Address, outside: string | null): string | null {
  if (!isWildcard(host)) return formatAddress({ host, port });
  return outside === null ? null : formatAddress({ host: outside, port });
}

/** The first address of this host that is not its own: of version 4 where there is one. */
function outsideAddress(): string | null {
  const found = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80'))
    .map(({ address }) => address);
  return found.find((address) => isIP(address) === 4) ?? found[0] ?? null;
}
