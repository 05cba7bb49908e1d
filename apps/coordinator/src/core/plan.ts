import type { AgentId, EpisodeId, FeedId, SessionId } from '@podctl/domain/ids.ts';
import type { Slots } from '@podctl/domain/session.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import { HostGate, type HostWait, type PlannedHosts } from './host-room.ts';
import { type FullAgent, mayBeHeldAhead, planAhead } from './plan-ahead.ts';
import {
  compareForDownload,
  compareForOther,
  compareForTranscribe,
  type RankedFeed,
  transcribersMax,
} from './rank.ts';
import { SlotPool } from './slot-pool.ts';

/** What a plan is made from: counts and the heads of each feed, never all episodes. */
export interface PlanView {
  readonly feeds: readonly PlannedFeed[];
  readonly agents: readonly PlannedAgent[];
  /** Jobs that run in the fleet, those of feeds that get nothing now (paused, removed, nothing ready) among them. */
  readonly running: { readonly [S in Stage]: number };
  /** What downloads the hosts may be given; absent: as many as there are. */
  readonly hosts?: PlannedHosts | undefined;
}

export interface PlannedFeed extends RankedFeed {
  readonly running: { readonly [S in Stage]: number };
  /** Transcriptions that agents hold ahead; not among the running ones. */
  readonly ahead?: number | undefined;
  /** False: nothing of it waits for a download, so nobody need ask for its host. */
  readonly downloads?: boolean | undefined;
  /** False: nothing of it waits for a transcription; it need not be put into their order. */
  readonly transcriptions?: boolean | undefined;
  /** How many of the first heads go before those of all other feeds: somebody asked for these episodes. */
  readonly urgent: { readonly [S in Stage]: number };
  /** Of the urgent transcriptions those that may be held ahead; absent: all. */
  readonly urgentAhead?: number | undefined;
  /** The episodes that may be assigned, in their order. Read as far as needed, and once. */
  readonly heads: { readonly [S in Stage]: Iterable<Candidate> };
}

export interface Candidate {
  readonly episode: EpisodeId;
  /** The revision the snapshot saw: what the assigning CAS will expect. */
  readonly revision: number;
  readonly lostBy: readonly AgentId[];
  /** Agents with which it failed: another one goes before them, where one is free. */
  readonly failedWith?: readonly AgentId[];
}

export interface PlannedAgent {
  readonly agent: AgentId;
  readonly session: SessionId;
  readonly slots: Slots;
  /** Without what it holds ahead. */
  readonly running: { readonly [S in Stage]: number };
  /** Transcriptions that it may hold beyond its slots, and does; absent: none. `worksOn`: the feeds of those that run. */
  readonly ahead?:
    | { readonly max: number; readonly waiting: number; readonly worksOn: readonly FeedId[] }
    | undefined;
  /** It runs a job that was lost with several agents: nothing else goes to it. */
  readonly runsCanary: boolean;
}

export interface PlanLimits {
  /** Downloads in the fleet at a time. */
  readonly downloadsMax: number;
  /** Transcriptions in the fleet at a time; `auto`: all slots that the agents offer. */
  readonly transcribersMax: number | 'auto';
  readonly multiWorkerMinEpisodes: number;
  /** Share of the fleet's transcription slots that one feed may take while others wait, above 0 up to 1. */
  readonly feedShareMax: number;
}

export interface Assignment {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly stage: Stage;
  readonly revision: number;
  readonly agent: AgentId;
  readonly session: SessionId;
  /** Why this one, in words. */
  readonly reason: string;
}

export interface Plan {
  readonly assignments: Assignment[];
  /** Feeds that an agent was free for, and why their hosts were spared. */
  readonly waiting: ReadonlyMap<FeedId, HostWait>;
  /** Of those, some whose host must be found out, in their order. */
  readonly unknown: readonly FeedId[];
  /** Transcription slots that stay free. */
  readonly free: number;
}

/** The assignments of a plan alone. */
export function plan(view: PlanView, limits: PlanLimits): Assignment[] {
  return wholePlan(view, limits).assignments;
}

/**
 * Decides which job goes to which agent. Pure: the same view gives the same plan.
 * Each assignment is checked again by its CAS; one that lost is simply planned anew.
 */
export function wholePlan(view: PlanView, limits: PlanLimits): Plan {
  const pool = new SlotPool(view.agents);
  const gate = view.hosts === undefined ? null : new HostGate(view.hosts);
  const feeds = view.feeds.filter(({ downloads }) => downloads !== false);
  const download = new StagePlan(
    { feeds, pool, stage: 'download', gate },
    budget('download', view, limits),
  );
  download.order.sort(compareForDownload);
  download.urgent();
  // One each in turn: small feeds finish first, and no host meets a crowd while others could be asked.
  while (download.round(() => Number.POSITIVE_INFINITY, 1)) {}
  const transcribe = new StagePlan(
    {
      feeds: view.feeds.filter(({ transcriptions }) => transcriptions !== false),
      ...{ pool, stage: 'transcribe', gate: null },
    },
    budget('transcribe', view, limits),
  );
  transcribe.order.sort(compareForTranscribe);
  transcribe.urgent();
  const slots = sum(view.agents, (agent) => agent.slots.transcribe);
  const share = Math.max(1, Math.floor(slots * limits.feedShareMax));
  const cap = ({ remaining }: PlannedFeed) =>
    Math.min(share, transcribersMax(remaining.transcribe, limits.multiWorkerMinEpisodes));
  transcribe.round(cap, Number.POSITIVE_INFINITY);
  // Nobody below its cap waits any more: what is still free goes round, so that no slot idles beside work.
  while (transcribe.round(() => Number.POSITIVE_INFINITY, 1)) {}
  if (view.running.transcribe <= budgetOf(limits)) transcribe.ahead(cap);
  const others = OTHER_STAGES.map((stage) => otherPlan(stage, view, pool, limits));
  const parts = [download, transcribe, ...others];
  const assignments = parts.flatMap((part) => part.assignments);
  const free = pool.free('transcribe');
  return { assignments, waiting: gate?.waiting ?? new Map(), unknown: gate?.unknown ?? [], free };
}

function budgetOf({ transcribersMax: max }: PlanLimits): number {
  return max === 'auto' ? Number.POSITIVE_INFINITY : max;
}

/** Those without rules of their own. They have slots of their own as well: none keeps a GPU's from a transcription. */
const OTHER_STAGES = STAGES.filter((stage) => stage !== 'download' && stage !== 'transcribe');

/** One each in turn, so that no feed waits behind a large one. */
function otherPlan(stage: Stage, view: PlanView, pool: SlotPool, limits: PlanLimits): StagePlan {
  const made = new StagePlan(
    { feeds: view.feeds, pool, stage, gate: null },
    budget(stage, view, limits),
  );
  made.order.sort((a, b) => compareForOther(stage, a, b));
  made.urgent();
  while (made.round(() => Number.POSITIVE_INFINITY, 1)) {}
  return made;
}

function budget(stage: Stage, view: PlanView, limits: PlanLimits): number {
  const max = maxOf(stage, limits);
  if (max === 'auto') return Number.POSITIVE_INFINITY;
  return max - view.running[stage];
}

/** `auto`: all slots that the agents offer. */
function maxOf(stage: Stage, limits: PlanLimits): number | 'auto' {
  if (stage === 'download') return limits.downloadsMax;
  return stage === 'transcribe' ? limits.transcribersMax : 'auto';
}

interface StagePlanParts {
  readonly stage: Stage;
  readonly feeds: readonly PlannedFeed[];
  readonly pool: SlotPool;
  readonly gate: HostGate | null;
}

/** The assignments of one stage as they are made. */
class StagePlan {
  readonly order: PlannedFeed[];
  readonly assignments: Assignment[] = [];
  readonly #stage: Stage;
  readonly #pool: SlotPool;
  readonly #heads = new Map<FeedId, Iterator<Candidate>>();
  /** Of which nothing more can be given in this plan. */
  readonly #through = new Set<FeedId>();
  readonly #added = new Map<FeedId, number>();
  /** Null: no host is met. */
  readonly #gate: HostGate | null;
  #budget: number;

  constructor({ stage, feeds, pool, gate }: StagePlanParts, budget: number) {
    this.#stage = stage;
    this.#pool = pool;
    this.#gate = gate;
    this.#budget = budget;
    this.order = [...feeds];
  }

  /** What somebody asked for, before any share and turn. */
  urgent(): void {
    this.round(
      ({ running, urgent }) => running[this.#stage] + urgent[this.#stage],
      Number.POSITIVE_INFINITY,
    );
  }

  /** Goes once through the feeds; each gets at most `each`, and none above its cap. True when anything was given. */
  round(cap: (feed: PlannedFeed) => number, each: number): boolean {
    const before = this.assignments.length;
    for (const feed of this.order) {
      for (let given = 0; given < each && this.#below(feed, cap(feed)); given += 1) {
        if (!this.#give(feed)) break;
      }
    }
    return this.assignments.length > before;
  }

  /** Beyond the slots, for agents that have none free: no budget is spent, since each begins when another one ends. */
  ahead(cap: (feed: PlannedFeed) => number): void {
    const made = (agent: AgentId) => this.assignments.filter((given) => given.agent === agent);
    const full = this.#pool.full(this.#stage);
    const works = new Map(
      full.map(({ agent }) => [
        agent.agent,
        [...(agent.ahead?.worksOn ?? []), ...made(agent.agent).map(({ feed }) => feed)],
      ]),
    );
    const given = new Map(this.#added);
    planAhead(full, {
      ...{ feeds: this.order, cap },
      next: (feed, to) => (this.#through.has(feed.feed) ? null : this.#nextAhead(feed, to, full)),
      given: (feed) => given.get(feed) ?? 0,
      worksOn: (agent) => works.get(agent) ?? [],
      give: (feed, head, agent) => this.#assign(feed, head, agent),
    });
  }

  #nextAhead(feed: PlannedFeed, to: FullAgent, full: readonly FullAgent[]) {
    const heads = this.#headsOf(feed);
    for (let passed = 0; passed <= PASSED_OVER_MAX; passed += 1) {
      const { value: head, done } = heads.next();
      if (done === true) return null;
      if (mayBeHeldAhead(head)) return head;
      const keeper = this.#pool.keeper(this.#stage, head, full);
      if (keeper === to) return 'kept';
      if (keeper !== null) keeper.room = 0;
    }
    return null;
  }

  #below(feed: PlannedFeed, cap: number): boolean {
    if (this.#budget <= 0 || !this.#pool.hasFree(this.#stage)) return false;
    return feed.running[this.#stage] + (this.#added.get(feed.feed) ?? 0) < cap;
  }

  #give(feed: PlannedFeed): boolean {
    if (this.#through.has(feed.feed)) return false;
    if (this.#gate?.admits(feed.feed) === false) {
      this.#through.add(feed.feed);
      return false;
    }
    const heads = this.#headsOf(feed);
    for (let passed = 0; passed <= PASSED_OVER_MAX; passed += 1) {
      const { value: head, done } = heads.next();
      if (done === true) break;
      // Its own host is spared, and one behind it may be of another.
      if (this.#gate?.admitsEpisode(feed.feed, head.episode) === false) continue;
      const taken = this.#pool.take(this.#stage, head);
      // Nobody is free for this one, which was lost before; a plain one behind it need not wait for that.
      if (taken === null) continue;
      this.#assign(feed, head, taken);
      return true;
    }
    this.#through.add(feed.feed);
    return false;
  }

  #headsOf({ feed, heads }: PlannedFeed): Iterator<Candidate> {
    const known = this.#heads.get(feed);
    if (known !== undefined) return known;
    const made = heads[this.#stage][Symbol.iterator]();
    this.#heads.set(feed, made);
    return made;
  }

  #assign(feed: PlannedFeed, head: Candidate, taken: { agent: AgentId; session: SessionId }): void {
    this.#budget -= 1;
    this.#gate?.take(feed.feed, head.episode);
    this.#added.set(feed.feed, (this.#added.get(feed.feed) ?? 0) + 1);
    const reason = `${feed.remaining[this.#stage]} left, book score ${feed.bookScore}`;
    const { episode, revision } = head;
    const stage = this.#stage;
    this.assignments.push({ feed: feed.feed, episode, stage, revision, ...taken, reason });
  }
}

/** Heads of one feed that are passed over in a row, since agents were lost with them; what is behind more waits a plan. */
const PASSED_OVER_MAX = 1_000;

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
