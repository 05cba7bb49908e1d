import { type AgentId, nonceFrom } from '@podctl/domain/ids.ts';
import type { Order, OrderDone } from '@podctl/domain/order.ts';
import type { JobToken } from '@podctl/domain/protocol.ts';
import type { HealthCheck } from '@podctl/platform/health-server.ts';
import { KvUnavailable, type Tail } from '@podctl/platform/kv.ts';
import { Leadership, type Reign } from '@podctl/platform/leadership.ts';
import type { Library } from '@podctl/platform/library.ts';
import { type Service, startAll, stopAll } from '@podctl/platform/service.ts';
import type { FleetEvent } from './core/event.ts';
import { aheadByFeed, locksHeldAhead } from './core/held-ahead.ts';
import { JobHistory } from './core/job-history.ts';
import { Liveness } from './core/liveness.ts';
import { Progress } from './core/progress.ts';
import { lockId } from './core/snapshot.ts';
import { type AgentReport, fleetProblem, type Moment, type Picture } from './core/view.ts';
import type { CoordinatorPorts } from './ports.ts';
import type { CoordinatorSettings } from './settings.ts';
import { aborted } from './shell/aborted.ts';
import { acceptedFiles } from './shell/accepted-files.ts';
import { AgentLogs } from './shell/agent-logs.ts';
import { ensureCluster } from './shell/cluster.ts';
import { EventLog } from './shell/event-log.ts';
import { seedEvents } from './shell/event-seed.ts';
import { type FeedSource, WebFeeds } from './shell/feed-source.ts';
import type { Fleet, FleetInfo } from './shell/fleet.ts';
import { Health } from './shell/health.ts';
import { Heartbeats } from './shell/heartbeats.ts';
import { type LeaderServices, leaderServices } from './shell/leader-services.ts';
import { LibraryWatch } from './shell/library-watch.ts';
import { passOn } from './shell/order-desk.ts';
import { Orders } from './shell/orders.ts';
import { Replica } from './shell/replica.ts';
import { Store } from './shell/store.ts';
import { ViewLinks } from './shell/view-links.ts';

type Listener = () => void;

/**
 * The composition of one coordinator. It follows the state and listens to heartbeats always; while it leads, it also
 * runs the services that write.
 */
export class Coordinator implements Service, Fleet {
  readonly name = 'coordinator';
  readonly library: Library;
  readonly events: EventLog;
  readonly logs: AgentLogs;
  readonly jobs = new JobHistory();
  readonly orders = new Orders((order) => this.#order(order));
  readonly #ports: CoordinatorPorts;
  readonly #health: Health;
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
  readonly #feeds: FeedSource;
  readonly #libraryWatch: LibraryWatch;
  readonly #end = new AbortController();
  #leader: LeaderServices | null = null;
  /** Ends the reign that runs, if one does: without the library it could accept nothing, and another one may have it. */
  #resign: () => void = () => {};
  #fencedResults = 0;

  constructor(
    ports: CoordinatorPorts,
    settings: CoordinatorSettings,
    feeds: FeedSource = new WebFeeds(settings.fetch),
  ) {
    const { coordinator } = settings;
    this.#health = new Health({ ...ports, coordinator });
    this.#ports = { ...ports, ...this.#health.buckets };
    this.#settings = settings;
    this.library = ports.library;
    this.#feeds = feeds;
    this.#replica = new Replica({
      moved: (...episode) => this.jobs.take(...episode),
      nowMs: () => ports.clock.wallMs(),
      begunMs: ({ feed, episode }, stage, token) =>
        this.#progress.begunMs(lockId(feed, episode, stage), token, this.#moment()),
      rewound: () =>
        this.#broken.reject(new Error('the state was restored or made anew: it is read again')),
    });
    this.#store = this.#makeStore();
    this.#views = new ViewLinks({
      store: this.#store,
      library: ports.library,
      names: settings.names,
    });
    this.events = new EventLog({
      clock: ports.clock,
      titleOf: (event) => this.#titleOf(event),
      added: () => {
        this.#leader?.recorder?.kick();
        this.#tell();
      },
    });
    this.#libraryWatch = new LibraryWatch({
      library: ports.library,
      clock: ports.clock,
      changed: (message) => this.#note({ type: 'library', agent: null, message }),
      awayLong: () => this.#resign(),
    });
    // Whoever waits for it is told; nobody waiting is no crash.
    this.#broken.promise.catch(() => {});
    this.#replica.listen({ changed: (...told) => this.#changed(...told) });
    this.#tail = this.#ports.state.tail(this.#replica);
    this.#leadership = this.#makeLeadership();
    this.#heartbeats = this.#makeHeartbeats();
    this.logs = new AgentLogs({ ...ports, replica: this.#replica, jobs: this.jobs });
  }

  async start(): Promise<void> {
    await seedEvents(this.events, this.#ports, this.#end.signal);
    await this.#tail.start();
    await Promise.race([this.#replica.loaded(), aborted(this.#end.signal)]);
    this.#end.signal.throwIfAborted();
    await startAll([
      this.#libraryWatch,
      this.#feeds,
      this.#heartbeats,
      this.logs,
      this.#leadership,
    ]);
  }

  async stop(): Promise<void> {
    this.#end.abort(new Error('the coordinator stops'));
    await stopAll([
      { name: 'tail', start: async () => {}, stop: () => this.#tail.stop() },
      this.#libraryWatch,
      this.#feeds,
      this.#heartbeats,
      this.logs,
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

  #moment(): Moment {
    const { clock } = this.#ports;
    return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
  }

  picture(): Picture {
    return {
      snapshot: this.#replica.snapshot,
      liveness: this.#liveness,
      progress: this.#progress,
      reports: this.#reports,
      limits: this.#settings.view,
      hosts: this.#settings.hosts,
      ahead: aheadByFeed(locksHeldAhead(this.#replica.snapshot, this.#reports)),
      now: this.#moment(),
    };
  }

  info(): FleetInfo {
    const { coordinator, version } = this.#settings;
    return {
      version,
      metricsAddress: this.#settings.metricsAddress?.() ?? '',
      coordinator,
      leading: this.#leader !== null,
      epoch: this.#leadership.term()?.epoch ?? this.#leadership.leader()?.epoch ?? 0,
      cluster: this.#replica.snapshot.cluster ?? '',
      natsVersion: this.#ports.natsVersion(),
      fencedResults: this.#fencedResults,
      failedWrites: this.#health.failedWrites(),
      stateAgeMs: this.#ports.clock.monotonicMs() - this.tailState().heardAtMs,
      problem: this.#problem(),
    };
  }

  /** What must be so before this coordinator is ready, beside its connection. */
  checks(): HealthCheck[] {
    const problem = this.#health.writeProblem();
    return [
      { name: 'state', ok: this.isLoaded(), detail: `tail ${this.tailState().phase}` },
      { name: 'writes', ok: problem === '', detail: problem || 'they land' },
    ];
  }

  /** The cause before what comes of it. */
  #problem(): string {
    if (!this.#ports.connected()) return 'the connection to NATS is gone';
    return (
      this.#health.silenceProblem(this.tailState()) ||
      this.#health.writeProblem() ||
      this.#libraryWatch.problem ||
      this.#health.vacancyProblem() ||
      fleetProblem(this.picture())
    );
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async value(...[bucket, key]: Parameters<Fleet['value']>): Promise<string | null> {
    const entry = await this.#ports[bucket].get(key);
    return entry?.kind === 'value' ? new TextDecoder().decode(entry.value) : null;
  }

  meta(...of: Parameters<Fleet['meta']>) {
    return this.#store.readMeta(...of);
  }

  async acceptedFiles(...[feed, episode, stage]: Parameters<Fleet['acceptedFiles']>) {
    return await acceptedFiles(this.#replica.snapshot, this.#views, { feed, episode, stage });
  }

  async #order(order: Order): Promise<OrderDone> {
    if (this.#leader !== null) return await this.#leader.desk.carryOut(order);
    // Whoever leads could not answer: nobody should have to wait for that.
    const silence = this.#health.silenceProblem(this.tailState());
    if (silence !== '') throw new KvUnavailable('an order', new Error(silence));
    return await passOn(this.#ports.bus, order);
  }

  #changed(events: readonly FleetEvent[], revision: number): void {
    const nowMs = this.#ports.clock.monotonicMs();
    for (const event of events) {
      const { type, feed, episode, stage } = event;
      if (feed !== null && (type === 'job_done' || type === 'feed_read'))
        this.#progress.moved(feed, nowMs, stage);
      if (type === 'job_done') this.#progress.pace.note(this.#replica.snapshot, event, nowMs);
      if (feed !== null && episode !== null && stage !== null && type !== 'job_assigned')
        this.#progress.forget(lockId(feed, episode, stage));
    }
    this.#ports.happened(events);
    this.events.add(events, revision);
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
    await ensureCluster(this.#ports, this.#replica);
    log.info({ epoch: reign.epoch }, 'leading');
    const services = leaderServices({
      ports: this.#ports,
      settings: this.#settings,
      store: this.#store,
      replica: this.#replica,
      liveness: this.#liveness,
      progress: this.#progress,
      reports: this.#reports,
      jobs: this.jobs,
      feeds: this.#feeds,
      views: this.#views,
      events: this.events,
      epoch: reign.epoch,
      fenced: (agent, { job }) => this.#fenced(agent, job),
    });
    await startAll(services.all);
    this.#leader = services;
    this.#health.noteLead(true, null);
    this.#tell();
    const resigned = Promise.withResolvers<void>();
    this.#resign = resigned.resolve;
    try {
      await Promise.race([aborted(signal), resigned.promise]);
    } finally {
      this.#leader = null;
      this.#health.noteLead(false, this.#leadership.leader());
      await stopAll(services.all);
      log.info({ epoch: reign.epoch }, 'no longer leading');
      this.#tell();
    }
  }

  #fenced(agent: AgentId, { feed, episode, stage, token }: JobToken): void {
    this.#fencedResults += 1;
    const message = `token ${token} does not hold the lock`;
    this.#note({ type: 'result_fenced', agent, message }, { feed, episode, stage });
  }

  #note(
    event: Pick<FleetEvent, 'type' | 'agent' | 'message'>,
    of: Pick<FleetEvent, 'feed' | 'episode' | 'stage'> = { feed: null, episode: null, stage: null },
  ): void {
    this.events.add([{ ...event, ...of }], null);
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
      mayStand: () => this.#libraryWatch.problem === '',
      onLead: (reign, signal) => this.#lead(reign, signal),
      onLeader: (leader) => this.#health.noteLead(this.#leader !== null, leader),
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
