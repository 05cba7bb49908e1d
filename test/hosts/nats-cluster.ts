import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Watch } from '../failpoint/watch.ts';
import { HostProcess } from './host-process.ts';
import type { Host } from './network.ts';

const DEPLOYED = fileURLToPath(new URL('../../deploy/nats', import.meta.url));
const PASSWORD = 'hosts-test';
const READY_MS_MAX = 30_000;

export const COORDINATOR_USER = { user: 'coordinator', password: PASSWORD };
export const agentUser = (agent: string) => ({ user: agent, password: PASSWORD });

/** Who may connect: what a reload changes. */
export interface Users {
  readonly agents: readonly string[];
  /** Of a user that nobody is. */
  readonly otherPassword: string;
}

/** Three replicas by the files of deploy/nats, each on a host of its own. */
export class NatsCluster {
  readonly servers: readonly HostProcess[];
  readonly #folders: readonly string[];
  readonly #watch: Watch;

  static async create(
    folder: string,
    hosts: readonly Host[],
    users: Users,
    watch: Watch,
  ): Promise<NatsCluster> {
    const cluster = new NatsCluster(folder, hosts, watch);
    for (const [i, host] of hosts.entries()) {
      const at = cluster.#folders[i] ?? '';
      await mkdir(at, { recursive: true });
      await cp(DEPLOYED, at, { recursive: true, filter: (path) => !isFilledIn(path) });
      await writeFile(join(at, 'settings.conf'), settingsOf(host, at));
      await writeFile(join(at, 'routes.conf'), routesOf(host, hosts));
    }
    await cluster.setUsers(users);
    return cluster;
  }

  private constructor(folder: string, hosts: readonly Host[], watch: Watch) {
    this.#watch = watch;
    this.#folders = hosts.map(({ name }) => join(folder, `nats-${name}`));
    this.servers = hosts.map((host, i) => {
      const args = ['-c', join(this.#folders[i] ?? '', `cluster-${i + 1}.conf`)];
      const command = process.env.PODCTL_TEST_NATS_SERVER ?? 'nats-server';
      return new HostProcess(`podctl-nats-${i + 1}`, host, { command, args }, watch);
    });
  }

  urls(): string[] {
    return this.servers.map(({ host }) => urlOf(host));
  }

  /** Starts those that do not run; resolves when all say that they are ready. */
  async start(): Promise<void> {
    const sinceMs = performance.now();
    const begun = this.servers.filter((server) => !server.running);
    for (const server of begun) server.start();
    for (const server of begun) await this.#ready(server, sinceMs);
  }

  /** The one that said so last. Without it no consumer can be made. */
  metadataLeader(): HostProcess {
    const saidMs = (server: HostProcess) =>
      server.linesWith('Self is new JetStream cluster metadata leader').at(-1)?.atMs ?? -1;
    const [newest] = [...this.servers].sort((a, b) => saidMs(b) - saidMs(a));
    if (newest === undefined || saidMs(newest) < 0) throw new Error('nobody leads the metadata');
    return newest;
  }

  /** Writes who may connect; the servers know it at their start, or after `reload`. */
  async setUsers(users: Users): Promise<void> {
    const text = await usersOf(users);
    for (const at of this.#folders) await writeFile(join(at, 'users.conf'), text);
  }

  /** As `nats-server --signal reload` does it. */
  async reload(): Promise<void> {
    const sinceMs = performance.now();
    for (const server of this.servers) server.signal('SIGHUP');
    for (const server of this.servers) {
      const reloaded = () =>
        server.linesWith('Reloaded server configuration', sinceMs).length > 0 ? true : null;
      await this.#watch.until(`the reload of ${server.name}`, reloaded, READY_MS_MAX);
    }
  }

  async #ready(server: HostProcess, sinceMs: number): Promise<void> {
    const isReady = () => {
      if (!server.running) throw new Error(`${server.name} ended: ${lastOf(server)}`);
      return server.linesWith('Server is ready', sinceMs).length > 0 ? true : null;
    };
    await this.#watch.until(`${server.name} being ready`, isReady, READY_MS_MAX);
  }
}

function lastOf({ said }: HostProcess): string {
  return said
    .slice(-5)
    .map(({ text }) => text)
    .join('\n');
}

export const urlOf = (host: Host) => `nats://${host.address}:4222`;

/** What an operator of this very checkout may have filled in. */
function isFilledIn(path: string): boolean {
  return /(settings|users|routes)\.conf$/.test(path);
}

function settingsOf(host: Host, folder: string): string {
  return [
    `client_listen: "${host.address}:4222"`,
    'monitor_listen: "127.0.0.1:8222"',
    `data_folder: ${JSON.stringify(join(folder, 'data'))}`,
    'disk_limit: 256MB',
  ].join('\n');
}

function routesOf(host: Host, all: readonly Host[]): string {
  return [
    `listen: "${host.address}:6222"`,
    `authorization { user: "route", password: "${PASSWORD}", timeout: 2 }`,
    'routes: [',
    ...all.map(({ address }) => `  "nats-route://route:${PASSWORD}@${address}:6222"`),
    ']',
  ].join('\n');
}

/** The rights of an agent are those that the example gives to one. */
async function usersOf({ agents, otherPassword }: Users): Promise<string> {
  const example = await readFile(join(DEPLOYED, 'users.example.conf'), 'utf8');
  const agent = /^ {2}\{\n {4}user: "gpu-1"[\s\S]*?^ {2}\}$/m.exec(example)?.[0];
  if (agent === undefined) throw new Error('users.example.conf has no agent called gpu-1');
  return [
    'podctl_users: [',
    `  { user: "coordinator", password: "${PASSWORD}" }`,
    `  { user: "other", password: "${otherPassword}" }`,
    ...agents.map((id) => agent.replaceAll('gpu-1', id).replace('change-me', PASSWORD)),
    ']',
    `system_users: [ { user: "operator", password: "${PASSWORD}" } ]`,
  ].join('\n');
}
