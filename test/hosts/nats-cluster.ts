import { join } from 'node:path';
import type { Authority } from '@podctl/platform/authority/authority.ts';
import { NATS_FILES } from '../../apps/cli/src/init/nats-files.ts';
import { repairsOf } from '../../apps/cli/src/init/nats-server-folder.ts';
import type { Watch } from '../failpoint/watch.ts';
import { HostProcess } from './host-process.ts';
import type { Host } from './network.ts';

const READY_MS_MAX = 30_000;

/** Three replicas as `podctl coordinator init` sets them up, each on a host of its own. */
export class NatsCluster {
  readonly servers: readonly HostProcess[];
  readonly #folders: readonly string[];
  readonly #watch: Watch;

  static async create(
    folder: string,
    hosts: readonly Host[],
    authority: Authority,
    watch: Watch,
  ): Promise<NatsCluster> {
    const cluster = new NatsCluster(folder, hosts, watch);
    const peers = hosts.map(({ address }) => address);
    for (const [i, { address }] of hosts.entries()) {
      const server = {
        name: nameOf(i),
        listenHost: address,
        monitorHost: '127.0.0.1',
        peers,
      };
      const of = { folder: cluster.#folders[i] ?? '', server, hosts: [address] };
      for (const repair of await repairsOf(of, authority, Date.now())) await repair.write();
    }
    return cluster;
  }

  private constructor(folder: string, hosts: readonly Host[], watch: Watch) {
    this.#watch = watch;
    this.#folders = hosts.map(({ name }) => join(folder, `nats-${name}`));
    this.servers = hosts.map((host, i) => {
      const args = ['-c', NATS_FILES.main];
      const command = process.env.PODCTL_TEST_NATS_SERVER ?? 'nats-server';
      const cwd = this.#folders[i] ?? '';
      return new HostProcess(nameOf(i), host, { command, args, cwd }, watch);
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

export const urlOf = (host: Host) => `tls://${host.address}:4222`;

const nameOf = (i: number) => `podctl-nats-${i + 1}`;
