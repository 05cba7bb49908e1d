import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { credentials, Metadata } from '@grpc/grpc-js';
import { encodeEpisode } from '@podctl/domain/episode-codec.ts';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import {
  type AgentBootstrap,
  bootstrapVariable,
  type CommonBootstrap,
  type CoordinatorBootstrap,
} from '@podctl/platform/bootstrap.ts';
import { loadSettings } from '@podctl/platform/config/load.ts';
import { writeJsonFile } from '@podctl/platform/json-file.ts';
import { FeedServiceClient } from '@podctl/proto/podctl/v1/feed.ts';
import { startNatsServer, type TestNatsServer } from '../support/nats-server.ts';
import { AppProcess } from './app-process.ts';
import { type Point, wordsOf } from './failpoints.ts';
import type { FeedServer } from './feed-server.ts';
import { violations } from './invariants.ts';
import { strayFiles, wrongFiles } from './library-check.ts';
import { episodesOf, RevisionLog } from './revision-log.ts';
import { Watch } from './watch.ts';

export type Role = 'coordinator' | 'agent';

/** Which process is to die, and where. */
export interface Strike {
  readonly role: Role;
  readonly point: Point;
}

/** Work that a world gets at once: two feeds, three episodes, each to be downloaded and transcribed. */
export interface Round {
  readonly feeds: readonly { readonly id: string; readonly episodes: number }[];
}

const AGENT = 'worker';
const ROUND_EPISODES = [2, 1];
const SWEPT = ['transcribe attempt', 'staging leftover'].map(
  (what) => `library.removeStaging ${what}`,
);
const STEP_MS_MAX = 60_000;
const RETRY_MS = 50;
const SETTINGS = {
  network: { allowPrivate: true },
  library: { freeFloor: '0B' },
  downloads: { floorBytes: '0B' },
  retry: { attemptsMax: 100, backoffFirst: '100ms', backoffMax: '1s' },
  sessions: { heartbeat: '200ms', lostAfter: '5s' },
  leader: { ttl: '3s' },
  sweep: { every: '1s', olderThan: '1s' },
};

const scriptOf = (role: Role) => fileURLToPath(new URL(`./${role}-main.ts`, import.meta.url));

/** One nats-server, one coordinator, one agent: real processes, with their own folder. */
export class World {
  readonly watch = new Watch();
  readonly coordinator: AppProcess;
  readonly agent: AppProcess;
  readonly log: RevisionLog;
  readonly #folder: string;
  readonly #nats: TestNatsServer;
  readonly #feeds: FeedServer;

  /** Resolves when the agent is welcome. */
  static async begin(feeds: FeedServer, strike: Strike | null): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), 'podctl-failpoint-'));
    const nats = await startNatsServer();
    const watch = new Watch();
    const world = new World(folder, nats, feeds, await RevisionLog.attach(nats.url, watch), watch);
    try {
      await world.#start(strike);
      return world;
    } catch (error) {
      await world.end();
      throw new Error(`a world did not begin: ${error}\n${world.lastWords().join('\n')}`);
    }
  }

  private constructor(
    folder: string,
    nats: TestNatsServer,
    feeds: FeedServer,
    log: RevisionLog,
    watch: Watch,
  ) {
    this.#folder = folder;
    this.#nats = nats;
    this.#feeds = feeds;
    this.log = log;
    this.watch = watch;
    const processOf = (role: Role) => new AppProcess(scriptOf(role), this.#env(role), watch);
    this.coordinator = processOf('coordinator');
    this.agent = processOf('agent');
  }

  process(role: Role): AppProcess {
    return role === 'agent' ? this.agent : this.coordinator;
  }

  until<T>(what: string, look: () => T | null): Promise<T> {
    const checked = () => {
      this.coordinator.check();
      this.agent.check();
      return look();
    };
    return this.watch.until(what, checked, STEP_MS_MAX);
  }

  /** Gives the coordinator the work, again as long as nobody takes it. */
  async addRound(): Promise<Round> {
    const name = randomBytes(4).toString('hex');
    await this.#leave(`.part-${name}`);
    const feeds = ROUND_EPISODES.map((episodes, i) => ({ id: `f${name}-${i}`, episodes }));
    const entries = feeds.map(({ id, episodes }) => ({
      feedId: id,
      title: id,
      url: this.#feeds.url(id, episodes),
    }));
    const deadline = AbortSignal.timeout(STEP_MS_MAX);
    for (;;) {
      const grpc = await this.until('a leader', () => this.#leaderAddress());
      if (await added(grpc, entries)) return { feeds };
      await wait(RETRY_MS, undefined, { signal: deadline });
    }
  }

  /** Resolves when a lock of the round is held for the stage. */
  async untilHeld({ feeds }: Round, stage: Stage): Promise<void> {
    await this.until(`a held ${stage}`, () => {
      const states = feeds.flatMap(({ id }) => episodesOf(this.log, id));
      return states.some(({ stages }) => stages[stage].lock.state === 'held') ? true : null;
    });
  }

  async untilSession(state: string): Promise<void> {
    await this.until(`a session that is ${state}`, () =>
      this.log.sessions.get(AGENT) === state ? true : null,
    );
  }

  /** Resolves when all of the round is done, and nothing is held. */
  async untilDone({ feeds }: Round): Promise<void> {
    await this.until('everything done', () => {
      const isDone = feeds.every(({ id, episodes }) => {
        const states = episodesOf(this.log, id);
        return states.length === episodes && states.every(isFinished);
      });
      return isDone ? true : null;
    });
  }

  /** Resolves when both processes run, and know each other. */
  async calm(): Promise<void> {
    await this.until('a leader and its agent', () =>
      this.coordinator.leading && this.agent.welcomed ? true : null,
    );
  }

  /** What is untrue, of all that was ever written here and of the files of one round. */
  async wrongs({ feeds }: Round): Promise<string[]> {
    const root = join(this.#folder, 'library');
    const keys = feeds.map(({ id }) => `job.${id}.`);
    const episodes = [...this.log.newest.values()].filter(({ key }) =>
      keys.some((prefix) => key.startsWith(prefix)),
    );
    return [
      ...this.log.faults,
      ...violations(this.log.episodes, this.log.answers),
      ...(await wrongFiles(root, episodes)),
      ...(await strayFiles(root)),
    ];
  }

  /** Resolves when the sweeper has removed an attempt and a leftover since the points were forgotten. */
  async untilSwept(): Promise<void> {
    await this.until('a sweep', () => {
      const isSwept = SWEPT.every((site) =>
        this.coordinator.met.has(wordsOf({ site, moment: 'after' })),
      );
      return isSwept ? true : null;
    });
  }

  /** What is not done, and what both processes wrote last. */
  lastWords(): string[] {
    const open = [...this.log.newest.values()].filter(({ state }) => !isFinished(state));
    return [
      ...open.map(({ key, state }) => `${key}: ${encodeEpisode(state)}`),
      ...[...this.log.feedProblems].flatMap(([feed, problem]) =>
        problem === null ? [] : [`${feed}: ${problem}`],
      ),
      ...this.coordinator.said,
      ...this.agent.said,
    ];
  }

  async end(): Promise<void> {
    await Promise.all([this.coordinator.end('SIGKILL'), this.agent.end('SIGKILL')]);
    await this.log.close();
    await this.#nats.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #leaderAddress(): string | null {
    return this.coordinator.leading ? this.coordinator.grpc : null;
  }

  #env(role: Role): NodeJS.ProcessEnv {
    return {
      ...process.env,
      [bootstrapVariable(role)]: join(this.#folder, `${role}.json`),
      // One world's start is another's too, and that of the other tests.
      NODE_COMPILE_CACHE:
        process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), 'podctl-failpoint-compiled'),
    };
  }

  /** As a process leaves a temporary file behind that is killed while it gives one a second name. */
  async #leave(name: string): Promise<void> {
    const folder = join(this.#folder, 'library', 'staging', 'temporary');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, name), name);
  }

  async #start(strike: Strike | null): Promise<void> {
    await this.#configure();
    const armed = (role: Role) => (strike?.role === role ? strike.point : null);
    this.coordinator.start(armed('coordinator'));
    await this.until('a leader', () => (this.coordinator.leading ? true : null));
    this.agent.start(armed('agent'));
    await this.calm();
  }

  async #configure(): Promise<void> {
    const common = async (name: Role): Promise<CommonBootstrap> => ({
      settings: await loadSettings({
        file: null,
        dataDir: this.#folder,
        version: 'test',
        overrides: SETTINGS,
      }),
      nats: { servers: [this.#nats.url], as: { kind: 'nobody' }, ca: null },
      libraryRoot: join(this.#folder, 'library'),
      stateDir: join(this.#folder, name),
      httpListen: { host: '127.0.0.1', port: 0 },
      metricsTokenFile: null,
      endpointFile: null,
    });
    const coordinator: CoordinatorBootstrap = {
      ...(await common('coordinator')),
      grpcListen: { host: '127.0.0.1', port: 0 },
      bytesListen: null,
      security: null,
      proveAlone: false,
    };
    const agent: AgentBootstrap = {
      ...(await common('agent')),
      agentId: AGENT,
      drainMs: 0,
      pythonPath: process.execPath,
      coordinators: [],
      credentialFile: null,
      engineScript: fileURLToPath(new URL('./stand-in-engine.ts', import.meta.url)),
    };
    await writeJsonFile(join(this.#folder, 'coordinator.json'), coordinator);
    await writeJsonFile(join(this.#folder, 'agent.json'), agent);
  }
}

function isFinished({ stages }: EpisodeState): boolean {
  return STAGES.every(
    (stage) => stages[stage].done !== null && stages[stage].lock.state === 'free',
  );
}

/** False when nobody there leads, or it died meanwhile. */
function added(
  address: string,
  feeds: readonly { feedId: string; title: string; url: string }[],
): Promise<boolean> {
  const client = new FeedServiceClient(address, credentials.createInsecure());
  return new Promise((resolve) => {
    const deadline = new Date(Date.now() + STEP_MS_MAX);
    client.addFeeds({ feeds: [...feeds] }, new Metadata(), { deadline }, (error, response) => {
      client.close();
      // A leader in doubt answers, and refuses each.
      resolve(error === null && response.feeds.every(({ problem }) => problem === ''));
    });
  });
}
