import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { isLoopback, isWildcard, parseAddress } from '@podctl/platform/endpoint.ts';
import { ENDPOINT_FILE, readEndpointFile } from '../endpoint.ts';
import { errorCode } from '../file-error.ts';
import { dataFolder } from '../up/data-folder.ts';
import type { SyncFacts } from './core/fleet-facts.ts';
import { probed } from './probe.ts';

const ASK_MS_MAX = 3_000;
const CONFIG_BYTES_MAX = 64 * 1024;
const ANSWER_CHARACTERS_MAX = 1024 * 1024;

/** Of the NATS that `podctl up` runs here its own file tells, of another one its monitoring address. */
export async function probeSync(
  { dataDir, addresses, monitor }: SyncRequest,
  signal: AbortSignal,
): Promise<SyncFacts> {
  if (monitor !== null) return await fromMonitoring(monitor, signal);
  const file = readEndpointFile(join(dataDir, ENDPOINT_FILE));
  if (file === null || !addresses.some((one) => isSame(one, file.grpc))) return { kind: 'unknown' };
  return await fromFile(join(dataFolder(dataDir).nats, 'nats-server.conf'));
}

export interface SyncRequest {
  readonly dataDir: string;
  /** Of the coordinators that are talked to. */
  readonly addresses: readonly string[];
  /** URL of NATS's monitoring, from `--nats-monitor`. */
  readonly monitor: string | null;
}

/** Who listens on every address of this machine is reached by one of them. */
function isSame(address: string, listen: string): boolean {
  const [one, other] = [parseAddress(address), parseAddress(listen)];
  if (one.port !== other.port) return false;
  return one.host === other.host || (isWildcard(other.host) && isLoopback(one.host));
}

async function fromFile(path: string): Promise<SyncFacts> {
  try {
    await using file = await open(path, 'r');
    const buffer = Buffer.alloc(CONFIG_BYTES_MAX);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return { kind: 'told', where: path, ...syncIn(buffer.toString('utf8', 0, bytesRead)) };
  } catch {
    return { kind: 'unknown' };
  }
}

/** From the text of a configuration of nats-server. */
export function syncIn(text: string): {
  readonly always: boolean;
  readonly interval: string | null;
} {
  const interval = /^[^#\n]*\bsync_interval\s*[:=]?\s*"?([A-Za-z0-9]+)/m.exec(text)?.[1] ?? null;
  return { always: interval === 'always', interval };
}

async function fromMonitoring(monitor: string, signal: AbortSignal): Promise<SyncFacts> {
  const where = shown(monitor);
  const found = await probed(ASK_MS_MAX, signal, async (until) => {
    const url = new URL('/varz', monitor);
    const response = await fetch(url, { signal: until, redirect: 'error' }).catch((error) => {
      throw new Error(`cannot be asked (${errorCode(error) ?? 'no HTTP there'})`);
    });
    if (!response.ok) throw new Error(`answers with ${response.status}`);
    return configIn((await response.text()).slice(0, ANSWER_CHARACTERS_MAX));
  });
  if (found.kind === 'unseen') return { kind: 'unseen', where, why: found.why };
  return { kind: 'told', where, ...found.value };
}

/** From the answer of `/varz`: `sync_interval` is in nanoseconds. Throws when there is nothing of it. */
function configIn(text: string) {
  const varz = JSON.parse(text) as { jetstream?: { config?: Record<string, unknown> } };
  const config = varz.jetstream?.config;
  if (config === undefined) throw new Error('tells nothing of JetStream');
  const nanos = config.sync_interval;
  return {
    always: config.sync_always === true,
    interval: typeof nanos === 'number' ? `every ${nanos / 1e9} s` : null,
  };
}

/** Without a password in it. */
function shown(monitor: string): string {
  const url = URL.parse(monitor);
  return url === null ? 'the monitoring address' : `${url.protocol}//${url.host}`;
}
