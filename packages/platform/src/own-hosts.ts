import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';

/** Under which other machines may reach this one: its addresses, those of version 4 first, then its name. */
export function ownHosts(): readonly string[] {
  const addresses = Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    // Link-local ones need the name of the other machine's interface.
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80'))
    .map(({ address }) => address)
    .sort((a, b) => isIP(a) - isIP(b));
  return [...addresses, hostname()];
}
