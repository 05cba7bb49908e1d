import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Child, spawnChild } from '@podctl/platform/child/child-process.ts';

const DEPLOYED = fileURLToPath(new URL('../../deploy/nats', import.meta.url));
const READY_MS_MAX = 20_000;
const LOG_LINES_MAX = 400;
/** What the examples say. */
const PASSWORD = 'change-me';

/** One of the files in deploy/nats, and where a machine that runs it would listen. */
export interface DeployedNode {
  readonly file: string;
  readonly clientPort: number;
  readonly monitorPort: number;
  readonly routePort: number;
  /** Of all replicas; empty for one server. */
  readonly routePorts: readonly number[];
}

export interface DeployedServer {
  readonly url: string;
  readonly log: readonly string[];
  /** What its monitoring answers. */
  monitor(path: string): Promise<unknown>;
  start(): Promise<void>;
  /** As a power cut does it. */
  kill(): Promise<void>;
  /** Ends it, and removes its folder. */
  stop(): Promise<void>;
}

export const COORDINATOR = { user: 'coordinator', password: PASSWORD };
export const AGENT = { user: 'gpu-1', password: PASSWORD };

/** A machine: a copy of deploy/nats, with the examples filled in as its README says. Nothing else is changed. */
export async function deployedServer(
  node: DeployedNode,
  routePassword = PASSWORD,
): Promise<DeployedServer> {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-deploy-nats-'));
  await cp(DEPLOYED, folder, { recursive: true, filter: (path) => !isFilledIn(path) });
  await fillIn(folder, node, routePassword);
  const log: string[] = [];
  let child: Child | null = null;
  return {
    url: `nats://127.0.0.1:${node.clientPort}`,
    log,
    monitor: async (path) => {
      const answer = await fetch(`http://127.0.0.1:${node.monitorPort}${path}`);
      return answer.json();
    },
    start: async () => {
      child = await started(folder, node.file, log);
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

/** Three machines, one for each of the cluster's files; not started. */
export async function deployedCluster(): Promise<DeployedServer[]> {
  const free = await freePorts(9);
  const routePorts = free.slice(6);
  return Promise.all(
    routePorts.map((routePort, i) =>
      deployedServer({
        file: `cluster-${i + 1}.conf`,
        clientPort: free[i] ?? 0,
        monitorPort: free[i + 3] ?? 0,
        routePort,
        routePorts,
      }),
    ),
  );
}

/** What an operator of this very checkout may have filled in. */
function isFilledIn(path: string): boolean {
  return /(settings|users|routes)\.conf$/.test(path);
}

async function fillIn(folder: string, node: DeployedNode, password: string): Promise<void> {
  await cp(join(folder, 'users.example.conf'), join(folder, 'users.conf'));
  const settings = [
    `client_listen: "127.0.0.1:${node.clientPort}"`,
    `monitor_listen: "127.0.0.1:${node.monitorPort}"`,
    `data_folder: ${JSON.stringify(join(folder, 'data'))}`,
    'disk_limit: 256MB',
  ];
  const routes = [
    `listen: "127.0.0.1:${node.routePort}"`,
    `authorization { user: "route", password: "${password}", timeout: 2 }`,
    'routes: [',
    ...node.routePorts.map((port) => `  "nats-route://route:${password}@127.0.0.1:${port}"`),
    ']',
  ];
  await writeFile(join(folder, 'settings.conf'), settings.join('\n'));
  await writeFile(join(folder, 'routes.conf'), routes.join('\n'));
}

async function started(folder: string, file: string, log: string[]): Promise<Child> {
  const ready = Promise.withResolvers<void>();
  const fail = (what: string) =>
    ready.reject(new Error(`nats-server -c ${file} ${what}:\n${log.join('\n')}`));
  const timer = setTimeout(fail, READY_MS_MAX, `was not ready in ${READY_MS_MAX} ms`);
  const child = await spawnChild({
    name: file,
    command: process.env.PODCTL_TEST_NATS_SERVER ?? 'nats-server',
    args: ['-c', join(folder, file)],
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

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listening()));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

function listening(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
