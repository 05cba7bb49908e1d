import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface NatsServerOptions {
  /** More lines of its configuration, for instance users. */
  readonly config?: string;
  /** `always` when left out, as `podctl up` has it; only a benchmark that fills a store may take less. */
  readonly syncInterval?: string;
}

/** A real nats-server with JetStream on a folder of its own. */
export interface TestNatsServer {
  readonly url: string;
  /** Where JetStream keeps its files. */
  readonly storeFolder: string;
  /** Stops it and starts it on the same data and port; with other lines of configuration, or another `syncInterval`, where they are given. */
  restart(config?: string, syncInterval?: string): Promise<void>;
  /** Stops it and removes its data. Safe twice. */
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 10_000;
/** Runs a command that ends when this shell's stdin does, so that a killed test run leaves no server behind. */
const TETHER = '"$@" </dev/null & p=$!; cat >/dev/null; kill "$p" 2>/dev/null; wait "$p"';

export async function startNatsServer(options: NatsServerOptions = {}): Promise<TestNatsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-nats-'));
  const configPath = join(folder, 'server.conf');
  let current = options;
  const write = (port: number) => writeFile(configPath, configOf(folder, port, current));
  await write(-1);
  let server = await spawnServer(configPath);
  return {
    url: `nats://127.0.0.1:${server.port}`,
    storeFolder: join(folder, 'js'),
    restart: async (config, syncInterval) => {
      if (syncInterval !== undefined) current = { ...current, syncInterval };
      if (config !== undefined) current = { ...current, config };
      const { port } = server;
      await server.stop();
      await write(port);
      server = await spawnServer(configPath);
    },
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configOf(folder: string, port: number, options: NatsServerOptions): string {
  return [
    `listen: "127.0.0.1:${port}"`,
    `jetstream { store_dir: "${join(folder, 'js')}", sync_interval: ${options.syncInterval ?? 'always'} }`,
    options.config ?? '',
  ].join('\n');
}

async function spawnServer(configPath: string) {
  const shell = spawn('sh', ['-c', TETHER, 'sh', binary(), '-c', configPath], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const stop = async () => {
    shell.stdin.end();
    if (shell.exitCode === null && shell.signalCode === null) await once(shell, 'exit');
  };
  try {
    return { port: await ready(shell), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Its port, from its log: the file of `ports_file_dir` may still be empty when it says that it is ready. */
async function ready(shell: ChildProcess): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let log = '';
  const fail = (what: string) => reject(new Error(`nats-server ${what}:\n${log}`));
  const timer = setTimeout(fail, READY_WITHIN_MS, `was not ready in ${READY_WITHIN_MS} ms`);
  shell.once('error', reject);
  shell.once('exit', (code) => fail(`ended with ${code}`));
  shell.stderr?.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-20_000);
    const port = /client connections on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
    if (port !== undefined && log.includes('Server is ready')) resolve(Number(port));
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

function binary(): string {
  const path = process.env.PODCTL_TEST_NATS_SERVER;
  if (path === undefined || path === '') {
    throw new Error(
      'PODCTL_TEST_NATS_SERVER names no nats-server: run the tests through npm test, which prepares one',
    );
  }
  return path;
}
