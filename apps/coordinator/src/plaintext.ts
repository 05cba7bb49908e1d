import { formatAddress, isLoopback } from '@podctl/platform/endpoint.ts';

/** Something that listens, and the setting that says where. */
export interface Listener {
  readonly setting: string;
  readonly host: string;
  readonly port: number;
}

/**
 * What is wrong with listening there without the fleet's keys, in one sentence; null: nothing is. Without them nothing is
 * encrypted and nobody is asked who they are, so only programs of this machine may reach it.
 */
export function plaintextProblem(listeners: readonly Listener[]): string | null {
  const open = listeners.find(({ host }) => !isLoopback(host));
  if (open === undefined) return null;
  return `${open.setting} is ${formatAddress(open)}, which other machines reach, but there are no keys of a fleet to encrypt with and to know people and agents by: make them with "podctl coordinator init", or set it to 127.0.0.1:${open.port}`;
}
