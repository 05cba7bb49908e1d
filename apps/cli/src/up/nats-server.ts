import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Child, spawnChild } from '@podctl/platform/child/child-process.ts';
import { readJsonFile, writeJsonFile, writePrivateFile } from '@podctl/platform/json-file.ts';
import { waitInFolder } from './file-wait.ts';
import type { Charge } from './supervised-child.ts';

export interface NatsCredentials {
  readonly user: string;
  readonly password: string;
}

export interface EmbeddedNats {
  readonly charge: Charge;
  /** Where it listens, once it is ready: `nats://127.0.0.1:port`. */
  url(): string;
}

export interface NatsPlace {
  /** The nats-server binary. */
  readonly program: string;
  /** Folder for its data, its configuration and its credentials. */
  readonly folder: string;
  readonly storeLimitBytes: number;
  readonly lockFd: number;
  readonly log: (line: string) => void;
}

const READY_MS_MAX = 30_000;
const GRACE_MS = 1_500;

/** Made at the first start, kept in a file that only this user may read. */
export async function natsCredentials(folder: string): Promise<NatsCredentials> {
  const path = join(folder, 'credentials.json');
  const kept = await readJsonFile(path);
  if (typeof kept?.user === 'string' && typeof kept.password === 'string')
    return { user: kept.user, password: kept.password };
  const made = { user: 'podctl', password: randomBytes(24).toString('base64url') };
  await writeJsonFile(path, made);
  return made;
}

/**
 * The nats-server of a fleet on one machine: JetStream on disk, each write synced before it is acknowledged, on a
 * random port of loopback. A restart keeps the port, since coordinator and agent were told it.
 */
export function embeddedNats(place: NatsPlace, credentials: NatsCredentials): EmbeddedNats {
  const ports = join(place.folder, 'ports');
  const config = join(place.folder, 'nats-server.conf');
  let url = '';
  return {
    url: () => url,
    charge: {
      name: 'nats-server',
      graceMs: GRACE_MS,
      readyMsMax: READY_MS_MAX,
      async spawn(): Promise<Child> {
        await rm(ports, { recursive: true, force: true });
        await mkdir(ports, { recursive: true, mode: 0o700 });
        const port = url === '' ? -1 : Number(new URL(url).port);
        await writePrivateFile(config, natsConfig({ ...credentials, ...place, port, ports }));
        return spawnChild({
          name: 'nats-server',
          command: place.program,
          args: ['--config', config],
          tie: 'shell',
          stdout: 'log',
          log: place.log,
          lockFd: place.lockFd,
        });
      },
      async ready(signal) {
        url = await waitInFolder(ports, () => listeningUrl(ports), signal);
      },
    },
  };
}

interface NatsSettings extends NatsCredentials {
  readonly port: number;
  readonly ports: string;
  readonly folder: string;
  readonly storeLimitBytes: number;
}

/** Its configuration format reads JSON strings. */
export function natsConfig(settings: NatsSettings): string {
  const text = (value: string) => JSON.stringify(value);
  return [
    'server_name: podctl',
    'host: "127.0.0.1"',
    `port: ${settings.port}`,
    `ports_file_dir: ${text(settings.ports)}`,
    'max_payload: 1MB',
    'jetstream {',
    `  store_dir: ${text(join(settings.folder, 'jetstream'))}`,
    `  max_file_store: ${settings.storeLimitBytes}`,
    '  sync_interval: always',
    '}',
    'authorization {',
    `  user: ${text(settings.user)}`,
    `  password: ${text(settings.password)}`,
    '}',
    '',
  ].join('\n');
}

/** What the server's ports file says; null until it is there. */
async function listeningUrl(ports: string): Promise<string | null> {
  for (const name of await readdir(ports)) {
    if (!name.endsWith('.ports')) continue;
    const found = await readJsonFile(join(ports, name));
    const [first] = Array.isArray(found?.nats) ? (found.nats as unknown[]) : [];
    if (typeof first === 'string') return first;
  }
  return null;
}
