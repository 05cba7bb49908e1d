import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Authority } from '@podctl/platform/authority/authority.ts';
import { type NatsFolder, prepareNatsFolder } from '@podctl/platform/authority/nats-folder.ts';
import { type Child, spawnChild } from '@podctl/platform/child/child-process.ts';
import { type Address, formatAddress, isWildcard } from '@podctl/platform/endpoint.ts';
import { readJsonFile, writePrivateFile } from '@podctl/platform/json-file.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { waitInFolder } from './file-wait.ts';
import { roomAgain, saysDiskFull } from './full-disk-watch.ts';
import type { Charge } from './supervised-child.ts';

export interface EmbeddedNats {
  readonly charge: Charge;
  /** Where it listens, once it is ready, for who runs on this machine. */
  url(): string;
}

export interface NatsPlace {
  /** The nats-server binary. */
  readonly program: string;
  /** Folder for its data, its configuration and its credentials. */
  readonly folder: string;
  readonly storeLimitBytes: number;
  readonly listen: Address;
  readonly authority: Authority;
  /** Names and addresses under which others reach this machine. */
  readonly hosts: readonly string[];
  readonly lockFd: number;
  readonly log: (line: string) => void;
  /** One line for the person. */
  readonly told: (line: string) => void;
}

const READY_MS_MAX = 30_000;
const GRACE_MS = 1_500;

/**
 * The nats-server of a fleet on one machine: JetStream on disk, each write synced before it is acknowledged, on a
 * random port of loopback unless it is told where to listen. A restart keeps the port, since coordinator and agent were told it.
 */
export function embeddedNats(place: NatsPlace): EmbeddedNats {
  const ports = join(place.folder, 'ports');
  const config = join(place.folder, 'nats-server.conf');
  let url = '';
  let endedFor: string | null = null;
  return {
    url: () => url,
    charge: {
      name: 'nats-server',
      graceMs: GRACE_MS,
      readyMsMax: READY_MS_MAX,
      endedFor: () => endedFor,
      async spawn(): Promise<Child> {
        await rm(ports, { recursive: true, force: true });
        await mkdir(ports, { recursive: true, mode: 0o700 });
        const { host } = place.listen;
        // 0 would be the usual port of NATS.
        const port = url === '' ? place.listen.port || -1 : Number(new URL(url).port);
        const trust = await trustIn(place);
        await writePrivateFile(
          config,
          natsConfig({ ...place, host, port, ports, trustLines: trust.lines }),
        );
        endedFor = null;
        const full = Promise.withResolvers<void>();
        const child = await spawnChild({
          name: 'nats-server',
          command: place.program,
          args: ['--config', config],
          tie: 'shell',
          stdout: 'log',
          log: (line) => {
            place.log(line);
            if (saysDiskFull(line)) full.resolve();
          },
          lockFd: place.lockFd,
        });
        const ending = () => {
          endedFor = `the disk of ${place.folder} has room again: nats-server was stopped`;
        };
        void full.promise.then(() => endWhenRoom(child, place, ending));
        return child;
      },
      async ready(signal) {
        const found = await waitInFolder(ports, () => listeningUrl(ports), signal);
        url = urlHere(place.listen.host, Number(new URL(found).port));
      },
    },
  };
}

/**
 * A stream that could not write takes nothing until the server is started anew, room or not: ends it when there is
 * room, for its supervisor to start it again. `ending` is called before. Never rejects.
 */
async function endWhenRoom(child: Child, place: NatsPlace, ending: () => void): Promise<void> {
  const gone = new AbortController();
  void child.exited.then(() => gone.abort());
  place.told(
    `nats-server cannot write: the disk of ${place.folder} is full; free some space: it is started again by itself then`,
  );
  try {
    await roomAgain(place.folder, gone.signal);
  } catch {
    return;
  }
  ending();
  await child.stop({ graceMs: GRACE_MS });
}

interface NatsSettings {
  readonly host: string;
  readonly port: number;
  readonly ports: string;
  readonly folder: string;
  readonly storeLimitBytes: number;
  /** Whom it lets in, and its TLS. */
  readonly trustLines: readonly string[];
}

/** Its configuration format reads JSON strings. */
function natsConfig(settings: NatsSettings): string {
  const text = (value: string) => JSON.stringify(value);
  return [
    'server_name: podctl',
    `host: ${text(settings.host)}`,
    `port: ${settings.port}`,
    `ports_file_dir: ${text(settings.ports)}`,
    'max_payload: 1MB',
    'jetstream {',
    `  store_dir: ${text(storeFolder(settings.folder))}`,
    `  max_file_store: ${settings.storeLimitBytes}`,
    '  sync_interval: always',
    '}',
    ...settings.trustLines,
    '',
  ].join('\n');
}

async function trustIn({ authority, folder, hosts }: NatsPlace): Promise<NatsFolder> {
  const here = ['127.0.0.1', '::1', 'localhost'];
  const trust = await prepareNatsFolder(authority, {
    folder,
    hosts: [...here, ...hosts],
    nowMs: Date.now(),
  });
  await adoptGlobalAccount(join(storeFolder(folder), 'jetstream'), trust.account);
  return trust;
}

function storeFolder(folder: string): string {
  return join(folder, 'jetstream');
}

/**
 * Data folders of before there were accounts: the server kept everything under its global one. Rejects with CommandError
 * where other keys were used before: the fleet would begin anew without a word.
 */
async function adoptGlobalAccount(accounts: string, account: string): Promise<void> {
  const names = await readdir(accounts).catch((): string[] => []);
  if (names.includes(account)) return;
  const others = names.filter((name) => /^A[A-Z2-7]{55}$/.test(name));
  if (others.length > 0)
    throw new CommandError(
      EXIT.conflict,
      `${accounts} holds the state of a fleet with other keys; restore the authority folder that belongs to it, or move the nats folder away and restore a backup`,
    );
  if (names.includes('$G')) await rename(join(accounts, '$G'), join(accounts, account));
}

/** For who runs on this machine. */
function urlHere(host: string, port: number): string {
  const loopback = host.includes(':') ? '::1' : '127.0.0.1';
  return `tls://${formatAddress({ host: isWildcard(host) ? loopback : host, port })}`;
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
