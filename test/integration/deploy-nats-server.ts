import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentId } from '@podctl/domain/ids.ts';
import { type Authority, ensureAuthority } from '@podctl/platform/authority/authority.ts';
import { fullCredentials, localAgentCredentials } from '@podctl/platform/authority/nats-claims.ts';
import { type Child, spawnChild } from '@podctl/platform/child/child-process.ts';
import { NATS_FILES } from '../../apps/cli/src/init/nats-files.ts';
import { type NatsServerFolder, repairsOf } from '../../apps/cli/src/init/nats-server-folder.ts';

const READY_MS_MAX = 20_000;
const LOG_LINES_MAX = 400;

/** A fleet's keys in a folder of its own. */
export interface Keys {
  readonly authority: Authority;
  remove(): Promise<void>;
}

export interface DeployedServer {
  readonly url: string;
  readonly log: readonly string[];
  /** Changes a file as a person would do it. */
  edit(name: string, change: (text: string) => string): Promise<void>;
  /** What its monitoring answers. */
  monitor(path: string): Promise<unknown>;
  start(): Promise<void>;
  /** As a power cut does it. */
  kill(): Promise<void>;
  /** Ends it, and removes its folder. */
  stop(): Promise<void>;
}

export async function newKeys(): Promise<Keys> {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-deploy-keys-'));
  return {
    authority: await ensureAuthority(folder, Date.now()),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export async function coordinatorCredentials({ authority }: Keys): Promise<string> {
  return fullCredentials(authority.nats, 'account', 'coordinator');
}

export function agentCredentials({ authority }: Keys, agent: AgentId): Promise<string> {
  return localAgentCredentials(authority.nats, agent);
}

let given = 0;

/** Addresses of loopback that nobody else uses, so that every server has its usual ports. */
export function ownAddresses(count: number): string[] {
  const net = `127.${16 + ((process.pid >> 8) % 200)}.${process.pid % 256}`;
  return Array.from({ length: count }, () => `${net}.${(given++ % 250) + 2}`);
}

/** The folder that `podctl coordinator init` makes for a server; not started. @param peers empty for one server. */
export async function deployedServer(
  { authority }: Keys,
  host: string,
  peers: readonly string[] = [],
): Promise<DeployedServer> {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-deploy-nats-'));
  const name = peers.length === 0 ? 'podctl-nats' : `podctl-nats-${peers.indexOf(host) + 1}`;
  const server = { name, listenHost: host, monitorHost: host, peers };
  const of: NatsServerFolder = { folder, server, hosts: [host] };
  for (const repair of await repairsOf(of, authority, Date.now())) await repair.write();
  const log: string[] = [];
  let child: Child | null = null;
  return {
    url: `tls://${host}:4222`,
    log,
    edit: async (file, change) => {
      const path = join(folder, file);
      await writeFile(path, change(await readFile(path, 'utf8')));
    },
    monitor: async (path) => {
      const answer = await fetch(`http://${host}:8222${path}`);
      return answer.json();
    },
    start: async () => {
      child = await startedServer(folder, log);
    },
    kill: async () => {
      await child?.stop({ graceMs: 0 });
    },
    stop: async () => {
      await child?.stop({ graceMs: 5_000 });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Three machines; not started. */
export async function deployedCluster(keys: Keys): Promise<DeployedServer[]> {
  const peers = ownAddresses(3);
  return Promise.all(peers.map((host) => deployedServer(keys, host, peers)));
}

/** The server of a folder that `podctl coordinator init` made, started as it says. */
export async function startedServer(folder: string, log: string[]): Promise<Child> {
  const ready = Promise.withResolvers<void>();
  const fail = (what: string) =>
    ready.reject(new Error(`nats-server in ${folder} ${what}:\n${log.join('\n')}`));
  const timer = setTimeout(fail, READY_MS_MAX, `was not ready in ${READY_MS_MAX} ms`);
  const child = await spawnChild({
    name: 'nats-server',
    command: process.env.PODCTL_TEST_NATS_SERVER ?? 'nats-server',
    args: ['-c', NATS_FILES.main],
    cwd: folder,
    tie: 'shell',
    stdout: 'log',
    log: (line) => {
      log.push(line);
      if (log.length > LOG_LINES_MAX) log.shift();
      if (line.includes('Server is ready')) ready.resolve();
    },
  });
  void child.exited.then(({ code }) => fail(`ended with ${code}`));
  try {
    await ready.promise;
    return child;
  } catch (error) {
    await child.stop({ graceMs: 0 });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
