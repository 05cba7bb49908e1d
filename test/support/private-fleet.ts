import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Msg } from '@nats-io/transport-node';
import {
  type AgentBootstrap,
  type AppKey,
  bootstrapVariable,
  type CommonBootstrap,
  type CoordinatorBootstrap,
} from '@podctl/platform/bootstrap.ts';
import { type Child, spawnChild } from '@podctl/platform/child/child-process.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { loadSettings } from '@podctl/platform/config/load.ts';
import { writeJsonFile } from '@podctl/platform/json-file.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { startNatsServer, type TestNatsServer } from './nats-server.ts';

const PODCTL = fileURLToPath(new URL('../../apps/cli/bin/podctl.js', import.meta.url));
const ENGINE = fileURLToPath(new URL('../failpoint/stand-in-engine.ts', import.meta.url));
const WAIT_MS_MAX = 12_000;
const SETTINGS = {
  log: { level: 'debug' },
  network: { allowPrivate: true },
  library: { freeFloor: '0B' },
  downloads: { floorBytes: '0B' },
  hosts: { coolDownFirst: '100ms', coolDownMax: '200ms' },
  retry: { attemptsMax: 1, backoffFirst: '100ms', backoffMax: '1s' },
  sessions: { heartbeat: '200ms' },
  leader: { ttl: '2s' },
};

/** Something that somebody could read. */
export interface Told {
  readonly place: string;
  readonly text: string;
}

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One nats-server, one coordinator, one agent: real processes that log all they can, of which every word is kept. */
export class PrivateFleet {
  readonly told: Told[] = [];
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #nats: TestNatsServer;
  readonly #link: NatsLink;
  readonly #children: Child[] = [];
  readonly #waiting = new Set<() => void>();

  /**
   * Resolves when the agent is welcome.
   *
   * @param env is that of every process, the commands' too.
   */
  static async start(env: NodeJS.ProcessEnv): Promise<PrivateFleet> {
    const folder = await mkdtemp(join(tmpdir(), 'podctl-private-'));
    const nats = await startNatsServer();
    const ports = { clock: systemClock, random: Math.random, listen: () => undefined };
    const options = { servers: [nats.url], name: 'listener', auth: { kind: 'none' } } as const;
    const link = await connectNats(options, ports, AbortSignal.timeout(WAIT_MS_MAX));
    const fleet = new PrivateFleet(folder, nats, link, env);
    try {
      await fleet.#app('coordinator', /"leading"/, /"ready"/);
      await fleet.#app('agent', /Welcomed by the leader/);
      return fleet;
    } catch (error) {
      await fleet.stop();
      throw error;
    }
  }

  private constructor(
    folder: string,
    nats: TestNatsServer,
    link: NatsLink,
    env: NodeJS.ProcessEnv,
  ) {
    this.folder = folder;
    this.#nats = nats;
    this.#link = link;
    this.#env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: join(folder, 'config'), ...env };
    link.nc.subscribe('>', {
      callback: (error, message) => {
        if (error === null) this.#hear(message);
        else this.tell('nats', error.message);
      },
    });
  }

  /** Ends both processes, so that their files are whole. */
  async stopApps(): Promise<void> {
    for (const child of this.#children.splice(0).reverse()) await child.stop({ graceMs: 8_000 });
  }

  async stop(): Promise<void> {
    await this.stopApps();
    await this.#link.close();
    await this.#nats.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  tell(place: string, text: string): void {
    this.told.push({ place, text });
    for (const look of [...this.#waiting]) look();
  }

  /** Resolves when so many things that match were told in such a place; looked at after each. */
  async untilTold(place: string, pattern: RegExp, count = 1): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = () => reject(new Error(`${place} did not tell ${pattern}:\n${this.#lastWords()}`));
    const timer = setTimeout(fail, WAIT_MS_MAX);
    const look = () => {
      const found = this.told.filter((one) => one.place === place && pattern.test(one.text));
      if (found.length >= count) resolve();
    };
    this.#waiting.add(look);
    look();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(look);
    }
  }

  /** `host:port` of a process's API or pages. */
  async address(app: AppKey, of: 'grpc' | 'http'): Promise<string> {
    const text = await readFile(join(this.folder, `${app}.endpoint`), 'utf8');
    return String((JSON.parse(text) as Record<string, unknown>)[of]);
  }

  /** Runs a command until its end; what it writes is told. */
  async podctl(args: readonly string[], stdin = ''): Promise<CliRun> {
    const server = await this.address('coordinator', 'grpc');
    const { promise, resolve } = Promise.withResolvers<CliRun>();
    const words = [PODCTL, ...args, '--server', server];
    const options = { cwd: this.folder, env: this.#env, timeout: WAIT_MS_MAX };
    const child = execFile(process.execPath, words, options, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
    child.stdin?.end(stdin);
    const run = await promise;
    this.tell(`podctl ${args.join(' ')}`, `${run.stdout}\n${run.stderr}`);
    return run;
  }

  /** Tells the names of all files below a folder, and what is in those that are no audio. */
  async tellFiles(name: string): Promise<void> {
    const root = join(this.folder, name);
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const isAudio = entry.name.endsWith('.mp3');
      this.tell(`file ${path}`, isAudio ? '' : await readFile(path, 'latin1'));
    }
  }

  #hear(message: Msg): void {
    if (maySpeak(message.subject)) return;
    const words = [...(message.headers?.keys() ?? [])].map((key) => message.headers?.get(key));
    const kind = message.subject.split('.').slice(0, message.subject.startsWith('$KV') ? 3 : 1);
    this.tell(
      `nats ${kind.join('.')}`,
      `${message.subject} ${words.join(' ')} ${message.string()}`,
    );
  }

  #lastWords(): string {
    return this.told
      .filter(({ place }) => place.startsWith('log'))
      .map(({ place, text }) => `${place}: ${text}`)
      .slice(-40)
      .join('\n');
  }

  /** Resolves when it has said all of that. */
  async #app(app: AppKey, ...until: RegExp[]): Promise<void> {
    const path = join(this.folder, `${app}.json`);
    await writeJsonFile(path, await this.#bootstrap(app));
    const child = await spawnChild({
      name: app,
      command: process.execPath,
      args: [fileURLToPath(import.meta.resolve(`../../apps/${app}/src/main.ts`))],
      tie: 'node',
      env: { ...this.#env, [bootstrapVariable(app)]: path },
      stdout: 'log',
      log: (line) => this.tell(`log of the ${app}`, line),
    });
    this.#children.push(child);
    for (const pattern of until) await this.untilTold(`log of the ${app}`, pattern);
  }

  async #bootstrap(app: AppKey): Promise<AgentBootstrap | CoordinatorBootstrap> {
    const overrides = SETTINGS;
    const from = { file: null, dataDir: this.folder, version: 'test', overrides };
    const listen = { host: '127.0.0.1', port: 0 };
    const common: CommonBootstrap = {
      settings: await loadSettings(from),
      nats: { servers: [this.#nats.url], as: { kind: 'nobody' }, ca: null },
      libraryRoot: join(this.folder, 'library'),
      stateDir: join(this.folder, app),
      httpListen: listen,
      metricsTokenFile: null,
      endpointFile: join(this.folder, `${app}.endpoint`),
    };
    await mkdir(common.stateDir, { recursive: true });
    if (app === 'coordinator') {
      const open = { grpcListen: listen, bytesListen: null, security: null, proveAlone: false };
      return { ...common, ...open };
    }
    const engine = { pythonPath: process.execPath, engineScript: ENGINE };
    const alone = { coordinators: [], credentialFile: null, drainMs: 0 };
    return { ...common, ...alone, ...engine, agentId: 'worker' };
  }
}

/**
 * Where the secrets have to be: the feeds' own records and what is known of their episodes, for who fetches; the order to
 * download; and what the server delivers of these.
 */
function maySpeak(subject: string): boolean {
  return /^(?:\$KV\.podctl_state\.feed\.|\$KV\.podctl_meta\.|cmd\.|order$|_INBOX\.|\$JS\.)/.test(
    subject,
  );
}
