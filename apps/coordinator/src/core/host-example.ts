import type { HostName } from '@podctl/domain/host-name.ts';
import {
  afterSuccesses,
  afterThrottle,
  type HostRules,
  limitOf,
  SUCCESSES_TO_RISE,
} from '@podctl/domain/host-state.ts';
import type {
  AgentId,
  ClusterId,
  EpisodeId,
  FeedId,
  Nonce,
  SessionId,
} from '@podctl/domain/ids.ts';
import { byStage } from '@podctl/domain/stage.ts';
import fc from 'fast-check';
import { foldFeedHost, foldHost } from './host-fold.ts';
import { HostPace } from './host-pace.ts';
import { plannedHosts } from './host-room.ts';
import { HostMemories } from './host-verdict.ts';
import { type PlanLimits, type PlannedAgent, type PlannedFeed, wholePlan } from './plan.ts';
import { emptySnapshot, type LockRow, type Snapshot } from './snapshot.ts';

const STEP_MS = 1_000;
export const limits: PlanLimits = {
  downloadsMax: 30,
  transcribersMax: 'auto',
  multiWorkerMinEpisodes: 50,
  feedShareMax: 1,
};
const of = { cluster: 'c' as ClusterId, nonce: 'n' as Nonce };

interface Running {
  readonly feed: FeedId;
  readonly host: HostName;
  readonly agent: AgentId;
  readonly episode: string;
  readonly startedMs: number;
  readonly endsMs: number;
}

/** A fleet in which nothing is real but the plan, the pace and what is known of hosts. */
export class Play {
  readonly snapshot: Snapshot = emptySnapshot();
  readonly running = new Map<string, Running>();
  readonly left: Map<FeedId, { episode: string; notBeforeMs: number }[]>;
  readonly starts = new Map<HostName, number[]>();
  readonly #pace: HostPace;
  readonly #memories = new HostMemories();
  readonly #world: World;
  #revision = 0;
  nowMs = 1_000_000;

  constructor(world: World) {
    this.#world = world;
    this.#pace = new HostPace(world.rules.startsPerSecond);
    this.left = new Map(
      world.feeds.map(({ feed, episodes }) => [
        feed,
        [...Array(episodes).keys()].map((i) => ({ episode: `${feed}-${i}`, notBeforeMs: 0 })),
      ]),
    );
    for (const { feed, host } of world.feeds)
      foldFeedHost(this.snapshot, { ...of, feed, host, learned: true }, this.#next());
  }

  step(): ReturnType<typeof wholePlan> {
    this.nowMs += STEP_MS;
    for (const [id, job] of this.running) if (job.endsMs <= this.nowMs) this.#end(id, job);
    const hosts = plannedHosts(this.snapshot, this.#world.rules, this.#pace, this.nowMs);
    const view = { feeds: this.#feeds(), agents: this.#agents(), hosts };
    const running = { ...byStage(() => 0), download: this.running.size };
    const made = wholePlan({ ...view, running }, limits);
    for (const { feed, episode, agent } of made.assignments) this.#begin(feed, episode, agent);
    return made;
  }

  isDone(): boolean {
    return this.running.size === 0 && [...this.left.values()].every((all) => all.length === 0);
  }

  at(host: HostName): number {
    return [...this.running.values()].filter((job) => job.host === host).length;
  }

  state(host: HostName) {
    return this.snapshot.hosts.get(host)?.record ?? null;
  }

  free(): number {
    return this.#agents().reduce(
      (sum, { slots, running }) => sum + slots.download - running.download,
      0,
    );
  }

  ready(feed: FeedId): boolean {
    return (this.left.get(feed) ?? []).some(({ notBeforeMs }) => notBeforeMs <= this.nowMs);
  }

  #next(): number {
    this.#revision += 1;
    return this.#revision;
  }

  #begin(feed: FeedId, episode: string, agent: AgentId): void {
    const host = this.snapshot.feedHosts.get(feed)?.record.host;
    if (host == null) throw new Error('every feed here has a host');
    this.left.set(
      feed,
      (this.left.get(feed) ?? []).filter((one) => one.episode !== episode),
    );
    const startedMs = this.nowMs;
    const { downloadMs } = this.#world;
    const job = { feed, host, agent, episode, startedMs, endsMs: startedMs + downloadMs };
    this.running.set(episode, job);
    this.#pace.began(host, startedMs);
    this.starts.set(host, [...(this.starts.get(host) ?? []), startedMs]);
    const lock = { state: 'held' } as LockRow['lock'];
    const row = { feed, episode: episode as EpisodeId, stage: 'download', revision: 1, lock };
    this.snapshot.locks.set(episode, row as LockRow);
  }

  /** The host sends all away that end in its bad time. */
  #end(id: string, { feed, host, episode, startedMs }: Running): void {
    this.running.delete(id);
    this.snapshot.locks.delete(id);
    const { rules, badMs, badHost, retryAfterMs } = this.#world;
    const state = this.state(host);
    if (host === badHost && this.nowMs < 1_000_000 + badMs) {
      const told = { startedMs, retryAfterMs, why: 'busy' };
      this.#fold(host, afterThrottle(state, told, rules, this.nowMs));
      this.#memories.begin(host);
      const notBeforeMs = (this.state(host)?.coolingUntilMs ?? 0) + rules.coolDownFirstMs;
      this.left.get(feed)?.push({ episode, notBeforeMs });
      return;
    }
    if (this.#memories.served(host, state, startedMs, this.nowMs) < SUCCESSES_TO_RISE) return;
    this.#memories.begin(host);
    if (state !== null) this.#fold(host, afterSuccesses(state, limitOf(host, rules)));
  }

  #fold(host: HostName, state: ReturnType<typeof afterThrottle>): void {
    if (state !== null) foldHost(this.snapshot, { ...state, ...of, host }, this.#next());
  }

  #feeds(): PlannedFeed[] {
    return [...this.left].map(([feed, episodes]) => {
      const running = [...this.running.values()].filter((job) => job.feed === feed).length;
      const heads = episodes
        .filter(({ notBeforeMs }) => notBeforeMs <= this.nowMs)
        .map(({ episode }) => ({ episode: episode as EpisodeId, revision: 1, lostBy: [] }));
      return {
        ...{ feed, priority: 0, bookScore: 3, urgent: byStage(() => 0) },
        remaining: { ...byStage(() => 0), download: episodes.length + running },
        running: { ...byStage(() => 0), download: running },
        downloads: episodes.length > 0,
        heads: { ...byStage(() => []), download: heads },
      };
    });
  }

  #agents(): PlannedAgent[] {
    return this.#world.slots.map((download, i) => {
      const agent = `a${i}` as AgentId;
      const running = [...this.running.values()].filter((job) => job.agent === agent).length;
      return {
        ...{ agent, session: 1 as SessionId, runsCanary: false },
        slots: { download, transcribe: 0 },
        running: { ...byStage(() => 0), download: running },
      };
    });
  }
}

export interface World {
  readonly feeds: readonly { feed: FeedId; host: HostName; episodes: number }[];
  readonly slots: readonly number[];
  readonly rules: HostRules;
  readonly badHost: HostName;
  readonly badMs: number;
  readonly retryAfterMs: number | null;
  readonly downloadMs: number;
}

export const hostNames = ['a.example', 'b.example', 'c.example'] as HostName[];
export const worlds: fc.Arbitrary<World> = fc
  .record({
    feeds: fc.array(fc.record({ host: fc.constantFrom(...hostNames), episodes: fc.nat(12) }), {
      ...{ minLength: 1, maxLength: 6 },
    }),
    slots: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
    parallelMax: fc.integer({ min: 1, max: 6 }),
    own: fc.integer({ min: 1, max: 3 }),
    startsPerSecond: fc.integer({ min: 1, max: 10 }),
    badMs: fc.nat(400_000),
    retryAfterMs: fc.option(fc.nat(90_000)),
    downloadMs: fc.integer({ min: 1, max: 20_000 }),
  })
  .map(({ feeds, parallelMax, own, startsPerSecond, ...rest }) => ({
    ...rest,
    feeds: feeds.map((one, i) => ({ ...one, feed: `f${i}` as FeedId })),
    badHost: 'a.example' as HostName,
    rules: {
      ...{ parallelMax, limits: { 'b.example': own }, startsPerSecond },
      ...{ coolDownFirstMs: 10_000, coolDownMaxMs: 120_000 },
    },
  }));
