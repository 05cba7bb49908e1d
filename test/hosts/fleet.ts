import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { STAGES } from '@podctl/domain/stage.ts';
import { wrongFiles } from '../failpoint/library-check.ts';
import { Watch } from '../failpoint/watch.ts';
import { Api } from './api.ts';
import {
  AGENT_IDS,
  type Engine,
  FleetFiles,
  type Plan,
  SLOW_AGENT,
  SLOW_PROCESS,
} from './fleet-files.ts';
import { FleetKeys } from './fleet-keys.ts';
import { HostProcess } from './host-process.ts';
import { type Assigned, held } from './ledger.ts';
import { NatsCluster } from './nats-cluster.ts';
import { type Host, Network } from './network.ts';
import { type Recorded, Recorder } from './recorder.ts';

const STEP_MS_MAX = 90_000;
const AGAIN_MS = 100;
const LAST_LINES = 12;
const FOLDER = /^podctl-hosts-(\d+)-/;

export interface Load {
  readonly feed: string;
  readonly episodes: number;
}

/** Three nats-servers, three coordinators, four agents and a podcast host: each a real process on a host of its own. */
export class Fleet {
  readonly network: Network;
  readonly watch: Watch;
  readonly nats: NatsCluster;
  readonly api: Api;
  readonly recorder: Recorder;
  readonly coordinators: readonly HostProcess[];
  readonly agents: readonly HostProcess[];
  /** A host with the files of the first agent, for a second one of the same id. */
  readonly double: HostProcess;
  /** The process of the agent behind the slow link, and the link. */
  readonly slowAgent: HostProcess;
  readonly slowLink: HostProcess;
  readonly files: FleetFiles;
  readonly #keys: FleetKeys;
  readonly #site: HostProcess;
  #feeds = 0;

  /** Resolves when one coordinator leads and all agents are welcome. Leaves nothing behind when it rejects. */
  static async begin(engine: Engine): Promise<Fleet> {
    await removeOldFolders();
    const folder = await mkdtemp(join(tmpdir(), `podctl-hosts-${process.pid}-`));
    const network = await Network.create();
    const ends: (() => Promise<unknown>)[] = [
      () => network.destroy(),
      () => rm(folder, { recursive: true, force: true }),
    ];
    try {
      const watch = new Watch();
      const hosts = await planHosts(network);
      const keys = await FleetKeys.create(folder);
      const { authority } = keys;
      const nats = await NatsCluster.create(folder, hosts.nats, authority, watch);
      ends.unshift(() => Promise.all(nats.servers.map((server) => server.end('SIGKILL'))));
      await nats.start();
      const recorder = await Recorder.attach(nats.urls(), keys.nats, watch);
      ends.unshift(() => recorder.close());
      const files = await FleetFiles.create(folder, hosts, nats.urls(), engine, keys);
      const api = new Api(authority.ca.certPem, keys.adminToken);
      ends.unshift(() => api.close());
      const fleet = new Fleet({ network, watch, keys, nats, api, recorder, files, hosts });
      ends.unshift(() => fleet.#endApps());
      await fleet.calm().catch((error: unknown) => {
        throw new Error(
          `the fleet did not come to life:\n${fleet.lastWords(LAST_LINES).join('\n')}`,
          {
            cause: error,
          },
        );
      });
      return fleet;
    } catch (error) {
      for (const end of ends) await end().catch(() => undefined);
      throw error;
    }
  }

  private constructor(parts: {
    network: Network;
    watch: Watch;
    keys: FleetKeys;
    nats: NatsCluster;
    api: Api;
    recorder: Recorder;
    files: FleetFiles;
    hosts: Plan;
  }) {
    const { network, watch, keys, nats, api, recorder, files, hosts } = parts;
    this.network = network;
    this.watch = watch;
    this.nats = nats;
    this.api = api;
    this.#keys = keys;
    this.recorder = recorder;
    this.files = files;
    const processOf = (name: string, host: Host) =>
      new HostProcess(name, host, files.commandOf(name), watch);
    this.coordinators = hosts.coordinators.map((host, i) =>
      processOf(`coordinator-${i + 1}`, host),
    );
    this.agents = hosts.agents.map((host, i) => processOf(AGENT_IDS[i] ?? '', host));
    this.double = processOf('double', hosts.double);
    const { host: slowHost } = this.agent(SLOW_AGENT);
    this.slowAgent = processOf(SLOW_PROCESS, slowHost);
    const link = files.slowLinkCommand(hosts.nats);
    this.slowLink = new HostProcess('slow link', slowHost, link, watch);
    this.#site = new HostProcess('site', hosts.site, files.siteCommand(hosts.site), watch);
    this.#site.start();
  }

  until<T>(what: string, look: () => T | null, withinMs = STEP_MS_MAX): Promise<T> {
    return this.watch.until(what, look, withinMs);
  }

  /** Asks again and again, since what it asks about tells nobody when it changes. */
  async untilTold<T>(what: string, ask: () => Promise<T | null>): Promise<T> {
    const deadline = AbortSignal.timeout(STEP_MS_MAX);
    for (;;) {
      const found = await ask().catch(() => null);
      if (found !== null) return found;
      if (deadline.aborted)
        throw new Error(`${what} was waited for ${STEP_MS_MAX / 1_000} s, in vain`);
      await wait(AGAIN_MS);
    }
  }

  /** Counts from now on; the function that it returns resolves when the time is over. A fault may last so long. */
  sleep(ms: number): () => Promise<void> {
    const over = wait(ms);
    return async () => over;
  }

  /** Starts what does not run; resolves when one coordinator leads and all agents are welcome. */
  async calm(): Promise<void> {
    await this.nats.start();
    for (const coordinator of this.coordinators) coordinator.start();
    await this.until('all coordinators being ready', () =>
      this.coordinators.every((one) => this.#isReady(one)) ? true : null,
    );
    await this.until('a leader', () => this.findLeader());
    for (const id of AGENT_IDS) if (!this.#keys.isEnrolled(id)) await this.enrol(id);
    // Not before: the first leader has made the library.
    for (const agent of this.agents) agent.start();
    await this.until('all agents being welcome', () =>
      AGENT_IDS.every((agent) => this.recorder.sessions.get(agent) === 'live') ? true : null,
    );
  }

  #isReady(coordinator: HostProcess): boolean {
    if (!coordinator.running)
      throw new Error(`${coordinator.name} ended by itself: ${coordinator.said.at(-1)?.text}`);
    return coordinator.saidInThisLife('ready');
  }

  /** Gives the agent a credential in place of the one that it has; it is used at its next start. */
  async enrol(id: string): Promise<void> {
    const address = this.files.grpcOf(this.leader().name);
    await this.#keys.enrol(this.api, address, id);
  }

  /** The coordinator that began to lead last, and has not said that it stopped; null when there is none. */
  findLeader(): HostProcess | null {
    const reigns = this.coordinators.flatMap((process) => {
      const epoch = epochOf(process);
      return epoch === null || !process.running ? [] : [{ process, epoch }];
    });
    return reigns.sort((a, b) => b.epoch - a.epoch)[0]?.process ?? null;
  }

  leader(): HostProcess {
    const leader = this.findLeader();
    if (leader === null) throw new Error('nobody leads');
    return leader;
  }

  agent(id: string): HostProcess {
    const agent = this.agents.find(({ name }) => name === id);
    if (agent === undefined) throw new Error(`no agent is called ${id}`);
    return agent;
  }

  server(name: string): HostProcess {
    const server = this.nats.servers.find((one) => one.name === name);
    if (server === undefined) throw new Error(`no server is called ${name}`);
    return server;
  }

  /** How long a transcription takes from now on, those under way included. */
  async pace(ms: number): Promise<void> {
    await writeFile(this.files.paceFile, `${ms}`);
  }

  /** Gives the fleet a feed; resolves when every agent transcribes an episode of it. */
  async load(episodes: number): Promise<Load> {
    const load = await this.addFeed(episodes);
    await this.busy(load);
    return load;
  }

  async addFeed(episodes: number, prefix = 'load'): Promise<Load> {
    this.#feeds += 1;
    const feed = `${prefix}-${this.#feeds}`;
    const url = `http://${this.#site.host.address}:8080/${feed}/${episodes}.xml`;
    await this.untilTold('the feed being taken', async () => {
      for (const { name } of [this.leader(), ...this.coordinators])
        if (await this.api.addFeed(this.files.grpcOf(name), { feedId: feed, title: feed, url }))
          return true;
      return null;
    });
    return { feed, episodes };
  }

  async busy({ feed }: Load): Promise<void> {
    await this.until('all agents transcribing', () => {
      const agents = new Set(this.transcribing(feed).map(({ agent }) => agent));
      return agents.size === this.agents.length ? true : null;
    });
  }

  /** The transcriptions that are held now. */
  transcribing(feed: string): Assigned[] {
    return held(this.recorder).filter(
      ({ key, stage }) => stage === 'transcribe' && key.startsWith(`job.${feed}.`),
    );
  }

  episodesOf(feed: string): Recorded[] {
    return [...this.recorder.newest.values()].filter(({ key }) => key.startsWith(`job.${feed}.`));
  }

  /** Lets the engines hurry; resolves when all of the feed is done and nothing of it is held. */
  async finish({ feed, episodes }: Load, paceMs = 1): Promise<void> {
    await this.pace(paceMs);
    await this.until(
      `all ${episodes} episodes of ${feed} being done`,
      () => {
        const all = this.episodesOf(feed);
        return all.length === episodes && all.every(isFinished) ? true : null;
      },
      3 * STEP_MS_MAX,
    );
  }

  /** What is wrong with the files of a feed's accepted results, as they lie in the library. */
  async wrongFiles({ feed }: Load): Promise<string[]> {
    return wrongFiles(this.files.library, this.episodesOf(feed));
  }

  /** What the processes wrote last, in the order in which it came. */
  lastWords(lines: number): string[] {
    const all = [
      ...this.coordinators,
      ...this.agents,
      this.slowAgent,
      ...this.nats.servers,
    ].flatMap((process) =>
      process.said.slice(-lines).map(({ text, atMs }) => ({
        atMs,
        words: `${(atMs / 1_000).toFixed(3)} ${process.name}${process.running ? '' : ' (ended)'}: ${text}`,
      })),
    );
    return all.sort((a, b) => a.atMs - b.atMs).map(({ words }) => words);
  }

  async end(): Promise<void> {
    await this.#endApps();
    await this.recorder.close();
    await this.api.close();
    await Promise.all(this.nats.servers.map((server) => server.end('SIGKILL')));
    await this.network.destroy();
    await rm(this.files.folder, { recursive: true, force: true });
  }

  async #endApps(): Promise<void> {
    const others = [this.double, this.slowAgent, this.slowLink, this.#site];
    const apps = [...this.coordinators, ...this.agents, ...others];
    await Promise.all(apps.map((app) => app.end('SIGKILL')));
  }
}

function isFinished({ state }: Recorded): boolean {
  return STAGES.every((stage) => {
    const { done, lock } = state.stages[stage];
    return done !== null && lock.state === 'free';
  });
}

/** Of the reign that it says it is in; null when it is in none. */
function epochOf({ said }: HostProcess): number | null {
  let epoch: number | null = null;
  for (const { fields } of said) {
    if (fields.msg === 'leading') epoch = Number(fields.epoch);
    if (fields.msg === 'no longer leading' || fields.msg === 'ready') epoch = null;
  }
  return epoch;
}

async function planHosts(network: Network): Promise<Plan> {
  const several = async (letter: string, count: number, first: number) => {
    const hosts: Host[] = [];
    for (let i = 1; i <= count; i += 1) hosts.push(await network.host(`${letter}${i}`, first + i));
    return hosts;
  };
  return {
    nats: await several('n', 3, 10),
    coordinators: await several('c', 3, 20),
    agents: await several('a', AGENT_IDS.length, 30),
    double: await network.host('d1', 41),
    site: await network.host('s1', 51),
  };
}

async function removeOldFolders(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = FOLDER.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}
