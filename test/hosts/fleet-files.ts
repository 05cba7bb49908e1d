import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type AgentBootstrap,
  bootstrapVariable,
  type CommonBootstrap,
  type CoordinatorBootstrap,
} from '@podctl/platform/bootstrap.ts';
import { loadSettings } from '@podctl/platform/config/load.ts';
import { writeJsonFile } from '@podctl/platform/json-file.ts';
import type { FleetKeys } from './fleet-keys.ts';
import type { HostCommand } from './host-process.ts';
import type { Host } from './network.ts';

/** `real` is the engine that the product ships; the other one works by the clock. */
export type Engine = 'stand-in' | 'real';

export interface Plan {
  readonly nats: readonly Host[];
  readonly coordinators: readonly Host[];
  readonly agents: readonly Host[];
  readonly double: Host;
  readonly site: Host;
}

export const AGENT_IDS = ['gpu-1', 'gpu-2', 'gpu-3', 'gpu-4'];
/** The agent behind the slow link of one scenario: another process on the same host. */
export const SLOW_AGENT = 'gpu-2';
export const SLOW_PROCESS = 'slow';
/** The agent that keeps its journal on a disk of its own, which can be filled. */
export const JOURNAL_DISK_AGENT = 'gpu-3';
/** The agent without the shared folder: bytes go through the coordinators. Its spool is on a disk of its own, too. */
export const HTTP_AGENT = 'gpu-4';
const DISKS = new Map([
  [JOURNAL_DISK_AGENT, 1_000_000],
  [HTTP_AGENT, 4_000_000],
]);
export const LOST_AFTER_MS = 6_000;
const GRPC_PORT = 7070;
const HTTP_PORT = 7071;
const BYTES_PORT = 7072;
const RELAY_PORT = '4222';
const NATS_PORT = '4222';
const SITE_PORT = '8080';
const inRepository = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Quick where the product is slow by choice; and each agent free to work on any feed. */
const SETTINGS = {
  network: { allowPrivate: true },
  library: { freeFloor: '0B' },
  nats: { replicas: 3 },
  downloads: { floorBytes: '0B' },
  planner: { multiWorkerMinEpisodes: 0 },
  retry: { attemptsMax: 100, backoffFirst: '100ms', backoffMax: '1s' },
  sessions: { heartbeat: '1s', lostAfter: '6s' },
  leader: { ttl: '6s' },
  agent: { slots: { download: 2, transcribe: 1 }, spoolMax: '1MB' },
  sweep: { every: '5s', olderThan: '20s' },
};

/** The files that each process is told of: a folder for its state, and its bootstrap. The library is a shared folder. */
export class FleetFiles {
  readonly folder: string;
  readonly library: string;
  readonly paceFile: string;
  readonly #keys: FleetKeys;
  readonly #addresses = new Map<string, string>();

  static async create(
    folder: string,
    plan: Plan,
    servers: readonly string[],
    engine: Engine,
    keys: FleetKeys,
  ): Promise<FleetFiles> {
    const files = new FleetFiles(folder, keys);
    const byteServers = plan.coordinators.map(({ address }) => `https://${address}:${BYTES_PORT}`);
    for (const [i, host] of plan.coordinators.entries()) {
      const others = byteServers.filter((_, j) => j !== i);
      await files.#coordinator(`coordinator-${i + 1}`, host, servers, others);
    }
    for (const [i, host] of plan.agents.entries()) {
      const id = AGENT_IDS[i] ?? '';
      const coordinators = id === HTTP_AGENT ? byteServers : [];
      const of = { id, host, engine, coordinators };
      await files.#agent(id, { ...of, servers });
      if (id === SLOW_AGENT)
        await files.#agent(SLOW_PROCESS, { ...of, servers: [`tls://127.0.0.1:${RELAY_PORT}`] });
    }
    const double = { id: AGENT_IDS[0] ?? '', host: plan.double, engine, coordinators: [] };
    await files.#agent('double', { ...double, servers });
    return files;
  }

  private constructor(folder: string, keys: FleetKeys) {
    this.folder = folder;
    this.#keys = keys;
    this.library = join(folder, 'library');
    this.paceFile = join(folder, 'pace');
  }

  commandOf(name: string): HostCommand {
    const app = name.startsWith('coordinator') ? 'coordinator' : 'agent';
    const { PODCTL_PARENT_FD: _, ...own } = process.env;
    const env = {
      ...own,
      [bootstrapVariable(app)]: join(this.folder, `${name}.json`),
      PODCTL_HOSTS_PACE: this.paceFile,
      // One run's start is the next one's too, and that of the other tests.
      NODE_COMPILE_CACHE: own.NODE_COMPILE_CACHE ?? join(tmpdir(), 'podctl-hosts-compiled'),
    };
    const command = {
      command: process.execPath,
      args: [inRepository(`apps/${app}/src/main.ts`)],
      env,
    };
    const bytes = DISKS.get(name);
    return bytes === undefined
      ? command
      : { ...command, disk: { folder: this.stateOf(name), bytes } };
  }

  siteCommand({ address }: Host): HostCommand {
    const args = [inRepository('test/hosts/audio-site.ts'), address, SITE_PORT];
    return { command: process.execPath, args };
  }

  slowLinkCommand(servers: readonly Host[]): HostCommand {
    const targets = servers.map(({ address }) => `${address}:${NATS_PORT}`);
    const args = [inRepository('test/hosts/slow-link.ts'), RELAY_PORT, ...targets];
    return { command: process.execPath, args };
  }

  stateOf(name: string): string {
    return join(this.folder, 'state', name);
  }

  grpcOf(coordinator: string): string {
    return `${this.#addresses.get(coordinator)}:${GRPC_PORT}`;
  }

  metricsOf(name: string): string {
    return `https://${this.#addresses.get(name)}:${HTTP_PORT}/metrics`;
  }

  async #coordinator(
    name: string,
    host: Host,
    servers: readonly string[],
    otherByteUrls: readonly string[],
  ): Promise<void> {
    const { folder, ca } = this.#keys.authority;
    const bootstrap: CoordinatorBootstrap = {
      ...(await this.#common(name, host)),
      nats: { servers, as: { kind: 'authority', folder }, ca: ca.certPem },
      security: {
        authorityFolder: folder,
        hosts: [host.address],
        agentNatsServers: servers,
        otherByteUrls,
        localAgents: [],
      },
      grpcListen: { host: host.address, port: GRPC_PORT },
      bytesListen: { host: host.address, port: BYTES_PORT },
      proveAlone: false,
    };
    await writeJsonFile(join(this.folder, `${name}.json`), bootstrap);
  }

  async #agent(
    name: string,
    agent: {
      readonly id: string;
      readonly host: Host;
      readonly servers: readonly string[];
      readonly coordinators: readonly string[];
      readonly engine: Engine;
    },
  ): Promise<void> {
    const { id: agentId, host, servers, coordinators, engine } = agent;
    const isReal = engine === 'real';
    const credentialFile = this.#keys.credentialFile(agentId);
    const { ca } = this.#keys.authority;
    const bootstrap: AgentBootstrap = {
      ...(await this.#common(name, host)),
      nats: { servers, as: { kind: 'agent', credentialFile }, ca: ca.certPem },
      coordinators,
      credentialFile,
      drainMs: 0,
      agentId,
      pythonPath: isReal ? (process.env.PODCTL_TEST_PYTHON ?? '') : process.execPath,
      engineScript: inRepository(
        isReal ? 'apps/agent/engines/whisper_engine.py' : 'test/hosts/stand-in-engine.ts',
      ),
    };
    await writeJsonFile(join(this.folder, `${name}.json`), bootstrap);
  }

  async #common(name: string, host: Host): Promise<Omit<CommonBootstrap, 'nats'>> {
    this.#addresses.set(name, host.address);
    await mkdir(this.stateOf(name), { recursive: true });
    return {
      settings: await loadSettings({
        file: null,
        dataDir: this.folder,
        version: 'test',
        overrides: SETTINGS,
      }),
      // Not even by its name: what has no mount of the library must work without one.
      libraryRoot: name === HTTP_AGENT ? join(this.stateOf(name), 'no-library') : this.library,
      stateDir: this.stateOf(name),
      httpListen: { host: host.address, port: HTTP_PORT },
      metricsTokenFile: null,
      endpointFile: null,
    };
  }
}
