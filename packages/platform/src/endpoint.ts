import { writeJsonFile } from './json-file.ts';

/** Where a process of ours listens: `host:port` each; empty where it does not. */
export interface Endpoint {
  readonly grpc: string;
  readonly http: string;
  /** A coordinator's, for the bytes of agents without a mount; absent where it does not serve them. */
  readonly bytes?: string;
}

export interface Address {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** Tells whoever started us where we listen: whole or not at all. */
export function writeEndpoint(path: string, endpoint: Endpoint): Promise<void> {
  return writeJsonFile(path, endpoint);
}

/** From `host:port` or `[v6]:port`, as the settings have checked it. */
export function parseAddress(text: string): Address {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(at + 1)) };
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Only programs of this machine reach it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** It stands for every address of this machine. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
