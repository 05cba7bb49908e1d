import { type AgentId, clusterIdFrom, nonceFrom } from '@podctl/domain/ids.ts';
import { CLUSTER_KEY } from '@podctl/domain/key.ts';
import type { Tail } from '@podctl/platform/kv.ts';
import { Leadership, type Reign } from '@podctl/platform/leadership.ts';
import type { Library } from '@podctl/platform/library.ts';
import { clusterRecord } from '@podctl/platform/records.ts';
import { type Service, startAll, stopAll } from '@podctl/platform/service.ts';
import type { FleetEvent } from './core/event.ts';
import { Liveness } from './core/liveness.ts';
import { Progress } from './core/progress.ts';
import { lockId } from './core/snapshot.ts';
import { type AgentReport, fleetProblem, type Picture } from './core/view.ts';
import type { CoordinatorPorts } from './ports.ts';
import type { CoordinatorSettings } from './settings.ts';
import { EventLog } from './shell/event-log.ts';
import { FEED_PARSER_LIMITS, FeedParser } from './shell/feed-parser.ts';
import {
  type AddedFeed,
  type FeedToAdd,
  type Fleet,
  type FleetInfo,
  NotLeading,
} from './shell/fleet.ts';
import { Heartbeats } from './shell/heartbeats.ts';
import { type LeaderServices, leaderServices } from './shell/leader-services.ts';
import { Replica } from './shell/replica.ts';
import { Store } from './shell/store.ts';
import { ViewLinks } from './shell/view-links.ts';

type Listener = () => void;

const LIBRARY_CHECK_MS = 5_000;

/**
 * The composition of one coordinator. It follows the state and listens to heartbeats always; while it leads, it also
 * runs the services that write.
 */
export class Coordinator implements Service, Fleet {
  readonly name = 'coordinator';
  readonly library: Library;
  readonly events: EventLog;
  readonly #ports: CoordinatorPorts;
  readonly #settings: CoordinatorSettings;
  readonly #broken = Promise.withResolvers<never>();
  readonly #replica: Replica;
  readonly #liveness = new Liveness();
  readonly #progress = new Progress();
  readonly #reports = new Map<AgentId, AgentReport>();
  readonly #listeners = new Set<Listener>();
  readonly #store: Store;
  readonly #views: ViewLinks;
  readonly #tail: Tail;
  readonly #leadership: Leadership;
  readonly #heartbeats: Heartbeats;
  readonly #parser: FeedParser;
  readonly #end = new AbortController();
  #leader: LeaderServices | null = null;
  #fencedResults = 0;
  #libraryProblem = '';
  #libraryWatch: Promise<void> | null = null;

  constructor(ports: CoordinatorPorts, settings: CoordinatorSettings) {
    this.#ports = ports;
    this.#settings = settings;
    this.library = ports.library;
    const { bytesMax } = settings.fetch;
    this.#parser = new FeedParser({ ...FEED_PARSER_LIMITS, bytesMax });
    this.#replica = new Replica({
      nowMs: () => ports.clock.wallMs(),
      rewound: () =>
        this.#broken.reject(new Error('the state was restored or made anew: it is read again')),
    });
    this.#store = this.#makeStore();
    this.#views = new ViewLinks({ store: this.#store, library: ports.library });
    this.events = new EventLog({
      clock: ports.clock,
      titleOf: (event) => this.#titleOf(event),
      added: () => this.#tell(),
    });
    // Whoever waits for it is told; nobody waiting is no crash.
    this.#broken.promise.catch(() => {});
    this.#replica.listen({ changed: (events) => this.#changed(events) });
    this.#tail = ports.state.tail(this.#replica);
    this.#leadership = this.#makeLeadership();
    this.#heartbeats = this.#makeHeartbeats();
  }

  async start(): Promise<void> {
    await this.#tail.start();
    await Promise.race([this.#replica.loaded(), aborted(this.#end.signal)]);
    this.#end.signal.throwIfAborted();
    await startAll([this.#parser, this.#heartbeats, this.#leadership]);
    this.#libraryWatch = this.#watchLibrary(this.#end.signal);
  }

  async stop(): Promise<void> {
    this.#end.abort(new Error('the coordinator stops'));
    await this.#libraryWatch;
    await stopAll([
      { name: 'tail', start: async () => {}, stop: () => this.#tail.stop() },
      this.#parser,
      this.#heartbeats,
      this.#leadership,
    ]);
  }

  /** Rejects when this process must end and start anew: what it knows is of another world. */
  broken(): Promise<never> {
    return this.#broken.promise;
  }

  /** Whether the state is known and followed. */
  isLoaded(): boolean {
    return this.#replica.isLoaded();
  }

  /** What the tail knows of itself. */
  tailState() {
    return this.#tail.state();
  }

  picture(): Picture {
    const { clock } = this.#ports;
    return {
      snapshot: this.#replica.snapshot,
      liveness: this.#liveness,
      progress: this.#progress,
      reports: this.#reports,
      limits: this.#settings.view,
      now: { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() },
    };
  }

  info(): FleetInfo {
    const { coordinator, version } = this.#settings;
    return {
      version,
      coordinator,
      leading: this.#leader !== null,
      epoch: this.#leadership.term()?.epoch ?? this.#leadership.leader()?.epoch ?? 0,
      cluster: this.#replica.snapshot.cluster ?? '',
      natsVersion: this.#ports.natsVersion(),
      fencedResults: this.#fencedResults,
      problem: this.#problem(),
    };
  }

  #problem(): string {
    if (!this.#ports.connected()) return 'the connection to NATS is gone';
    return this.#libraryProblem || fleetProblem(this.picture());
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  meta(...of: Parameters<Fleet['meta']>) {
    return this.#store.readMeta(...of);
  }

  async acceptedFiles(...[feed, episode, stage]: Parameters<Fleet['acceptedFiles']>) {
    const row = this.#replica.snapshot.feeds.get(feed)?.episodes.get(episode);
    const done = row?.state.stages[stage].done ?? null;
    if (done === null) return [];
    const links = await this.#views.links(feed, episode, stage, done.run, done.token);
    return links.map(({ from, to, sizeBytes, sha256 }) => ({
      path: from,
      readablePath: to,
      sizeBytes,
      sha256,
    }));
  }

  async addFeeds(feeds: readonly FeedToAdd[]): Promise<readonly AddedFeed[]> {
    if (this.#leader === null) throw new NotLeading();
    const added = await this.#leader.registry.add(feeds);
    this.#leader.poller.kick();
    return added;
  }

  #changed(events: readonly FleetEvent[]): void {
    const nowMs = this.#ports.clock.monotonicMs();
    for (const { type, feed, episode, stage } of events) {
      if (feed !== null && (type === 'job_done' || type === 'feed_read'))
        this.#progress.moved(feed, nowMs);
      if (feed !== null && episode !== null && stage !== null && type !== 'job_assigned')
        this.#progress.forget(lockId(feed, episode, stage));
    }
    this.#ports.happened(events);
    this.events.add(events);
    this.#leader?.planner.kick();
    this.#leader?.publisher.kick();
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  async #titleOf({ feed, episode }: FleetEvent): Promise<string> {
    if (feed === null || episode === null) return '';
    return (await this.#store.readMeta(feed, episode))?.title ?? '';
  }

  async #lead(reign: Reign, signal: AbortSignal): Promise<void> {
    const { log } = this.#ports;
    await this.#ensureCluster();
    log.info({ epoch: reign.epoch }, 'leading');
    const services = leaderServices({
      ports: this.#ports,
      settings: this.#settings,
      store: this.#store,
      replica: this.#replica,
      liveness: this.#liveness,
      reports: this.#reports,
      parser: this.#parser,
      views: this.#views,
      epoch: reign.epoch,
      fenced: (agent, { job }) => this.#fenced(agent, job),
    });
    await startAll(services.all);
    this.#leader = services;
    this.#tell();
    try {
      await aborted(signal);
    } finally {
      this.#leader = null;
      await stopAll(services.all);
      log.info({ epoch: reign.epoch }, 'no longer leading');
      this.#tell();
    }
  }

  /** The first leader of all names the world; everybody else reads the name. */
  async #ensureCluster(): Promise<void> {
    const { state, randomBytes } = this.#ports;
    const known = await state.get(CLUSTER_KEY);
    if (known?.kind !== 'value') {
      const value = clusterRecord.encode({ cluster: clusterIdFrom(randomBytes(10)) });
      const written = await state.cas(CLUSTER_KEY, known?.revision ?? 0, value);
      if (written.kind === 'unknown') throw written.cause;
    }
    const entry = await state.get(CLUSTER_KEY);
    if (entry?.kind !== 'value') throw new Error('the cluster id cannot be read back');
    this.#replica.entry(entry);
  }

  #fenced(
    agent: AgentId,
    job: {
      feed: FleetEvent['feed'];
      episode: FleetEvent['episode'];
      stage: FleetEvent['stage'];
      token: number;
    },
  ): void {
    this.#fencedResults += 1;
    const { feed, episode, stage, token } = job;
    this.events.add([
      {
        type: 'result_fenced',
        feed,
        episode,
        stage,
        agent,
        message: `token ${token} does not hold the lock`,
      },
    ]);
  }

  /** Tells when the library goes away and comes back. */
  async #watchLibrary(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const health = await this.library.check();
      const problem = health.kind === 'online' ? '' : `library offline: ${health.reason}`;
      if (problem !== this.#libraryProblem) {
        this.#libraryProblem = problem;
        const message = problem === '' ? 'the library is back' : problem;
        this.events.add([
          { type: 'library', feed: null, episode: null, stage: null, agent: null, message },
        ]);
      }
      await this.#ports.clock.sleep(LIBRARY_CHECK_MS, signal).catch(() => {});
    }
  }

  #makeStore(): Store {
    const { state, meta, randomBytes } = this.#ports;
    return new Store({
      state,
      meta,
      replica: this.#replica,
      retry: this.#settings.retry,
      newNonce: () => nonceFrom(randomBytes(10)),
      mayWrite: () => this.#leadership.term()?.isTrusted() ?? false,
    });
  }

  #makeLeadership(): Leadership {
    const { clock, lead, randomBytes, log } = this.#ports;
    const { term, coordinator, proveAlone } = this.#settings;
    const address = () => this.#settings.address();
    return new Leadership({
      kv: lead,
      clock,
      rules: term,
      coordinator,
      get address() {
        return address();
      },
      randomBytes,
      proveAlone,
      // A coordinator that cannot reach the library could accept nothing: it leaves the lead to one that can.
      mayStand: () => this.#libraryProblem === '',
      onLead: (reign, signal) => this.#lead(reign, signal),
      onError: (error) =>
        log.warn(
          { reason: error instanceof Error ? error.message : 'unknown' },
          'trouble with the lead',
        ),
    });
  }

  #makeHeartbeats(): Heartbeats {
    const { bus, clock, log } = this.#ports;
    return new Heartbeats({
      bus,
      clock,
      replica: this.#replica,
      liveness: this.#liveness,
      progress: this.#progress,
      reports: this.#reports,
      log,
      resend: (row) => {
        this.#leader?.planner.hint(row).catch((error: unknown) => {
          log.warn(
            { feed: row.feed, episode: row.episode, reason: String(error) },
            'a job could not be told again',
          );
        });
      },
      leads: () => this.#leader !== null,
      changed: () => this.#tell(),
    });
  }
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
