import { isClosed } from '@podctl/domain/cordon.ts';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import { choicesOf, mayBegin } from '@podctl/domain/feed-record.ts';
import type { AgentId, EpisodeId, Epoch, FeedId } from '@podctl/domain/ids.ts';
import { commandSubject } from '@podctl/domain/key.ts';
import type { Work } from '@podctl/domain/protocol.ts';
import { err, type Result } from '@podctl/domain/result.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import type { Bus } from '@podctl/platform/bus.ts';
import { KvUnavailable } from '@podctl/platform/kv.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import { commandMessage } from '@podctl/platform/wire.ts';
import { type AfterPlan, locksHeldAhead, type Release, releases } from '../core/held-ahead.ts';
import {
  type Assignment,
  type Plan,
  type PlanLimits,
  type PlanView,
  wholePlan,
} from '../core/plan.ts';
import { type FailedWith, planView } from '../core/plan-view.ts';
import { episodeRow, type LockRow } from '../core/snapshot.ts';
import type { AgentReport } from '../core/view.ts';
import type { HostDesk } from './host-desk.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';
import type { Replica } from './replica.ts';
import { revoke, type SettleDeps } from './settle.ts';
import { type WorkOptions, workFor } from './work.ts';

export interface PlannerOptions extends SettleDeps, WorkOptions {
  readonly bus: Bus;
  readonly replica: Replica;
  readonly reports: ReadonlyMap<AgentId, AgentReport>;
  readonly limits: PlanLimits;
  /** Absent: it is not remembered where a job failed. */
  readonly failedWith?: FailedWith | undefined;
  /** Absent: hosts are given as much as there is. */
  readonly hosts?: Pick<HostDesk, 'planned' | 'mayBegin' | 'began' | 'findOut'> | undefined;
  readonly epoch: Epoch;
  readonly log: Logger;
  /** How long a plan took, and how many of its entries were not written. */
  planned(seconds: number, entries: number, rejected: Rejected): void;
}

/** Why planned assignments were not written. */
export interface Rejected {
  /** Somebody else wrote first. */
  readonly conflict: number;
  /** Since it was planned its feed was paused or removed, its agent was taken out, or its host asked for patience. */
  readonly closed: number;
}

/** Plans are at least so far apart, and at most. */
const SPACING_MS = 50;
const TICK_MS = 1_000;
const ASSIGN_AT_ONCE = 32;
/** So often at most hosts of feeds are looked for before what is planned then is written. */
const LOOKS_MAX = 4;
/** A host that may have another start within the second is not kept waiting for the next tick. */
const PACE_MS = 250;

/** Plans on each change, and writes what was planned: one CAS an assignment, and a hint once the server has acknowledged it. */
export class Planner extends Loop {
  readonly #options: PlannerOptions;
  /** While hosts are given their next starts by and by. */
  #isPacing = false;

  constructor(options: PlannerOptions) {
    super('planner', {
      clock: options.clock,
      tickMs: TICK_MS,
      spacingMs: SPACING_MS,
      log: options.log,
    });
    this.#options = options;
  }

  /** A hint that fails is told again by the heartbeat; it takes nothing else of the turn with it. */
  async #tell(row: LockRow): Promise<void> {
    try {
      await this.hint(row);
    } catch (error) {
      const { feed, episode, stage } = row;
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log.warn({ feed, episode, stage, reason }, 'a job could not be told');
    }
  }

  /**
   * Tells an agent (again) what it holds. A hint only: it may be lost, doubled, or late. A job that cannot be put into
   * words, now or ever, is a failure of its own: its lock would be held for nothing. Rejects when NATS or the library is
   * away.
   */
  async hint({ feed, episode, stage, lock }: LockRow): Promise<void> {
    const state = episodeRow(this.#options.replica.snapshot, feed, episode)?.state;
    if (state === undefined || lock.state !== 'held') return;
    const { agent, session, run, token } = lock;
    const work = await this.#workFor(feed, episode, stage, state);
    const fail = async (reason: string) => {
      const end = { kind: 'failed', reason, retryAfterMs: null, final: false } as const;
      await revoke(this.#options, { feed, episode, stage, token }, end);
    };
    if (!work.ok) return fail(work.error);
    // It is told again with the agent's next heartbeat.
    if (work.value === null) return;
    const cluster = this.#options.store.cluster();
    const job = { feed, episode, stage, run, token };
    const command = commandMessage.encode({
      kind: 'start',
      cluster,
      session,
      job,
      work: work.value,
      ticket: lock.nonce,
    });
    if (!command.ok) return fail(`it cannot be told to an agent: ${command.error}`);
    this.#options.bus.publish(commandSubject(agent), command.value);
  }

  async #workFor(
    ...[feed, episode, stage, state]: readonly [FeedId, EpisodeId, Stage, EpisodeState]
  ): Promise<Result<Work | null, string>> {
    try {
      const { record = null } = this.#options.replica.snapshot.feeds.get(feed) ?? {};
      const chosen = choicesOf(record);
      const model = chosen.model ?? this.#options.model;
      const language = chosen.language ?? this.#options.language;
      const { prompt, hotwords } = chosen;
      const options = { ...this.#options, model, language, prompt, hotwords };
      return await workFor(options, feed, episode, stage, state);
    } catch (error) {
      const isAway =
        error instanceof KvUnavailable ||
        (error instanceof LibraryError && error.code === 'offline');
      if (isAway) throw error;
      return err(error instanceof Error ? error.message : String(error));
    }
  }

  protected override async turn(signal: AbortSignal): Promise<void> {
    const { library } = this.#options;
    const health = await library.check();
    if (health.kind === 'offline') return;
    const { assignments, waiting, seconds, ...made } = await this.#planned();
    this.#release({ ...made, assignments });
    if ([...waiting.values()].includes('paced')) this.#kickLater(signal);
    const rejected = { conflict: 0, closed: 0 };
    for (let i = 0; i < assignments.length && !signal.aborted; i += ASSIGN_AT_ONCE) {
      const batch = assignments.slice(i, i + ASSIGN_AT_ONCE);
      const ends = await Promise.all(batch.map((assignment) => this.#assign(assignment)));
      for (const end of ends) if (end !== 'given') rejected[end] += 1;
    }
    this.#options.planned(seconds, assignments.length, rejected);
  }

  /** Asks for what is held ahead in vain, again and again until it is handed back or has begun. */
  #release(made: Omit<AfterPlan, 'limits'>): void {
    const { replica, reports, limits } = this.#options;
    const ahead = locksHeldAhead(replica.snapshot, reports);
    if (ahead.size === 0) return;
    for (const release of releases(replica.snapshot, ahead, { ...made, limits }))
      this.#askBack(release);
  }

  #askBack({ row, reason }: Release): void {
    const { feed, episode, stage, lock } = row;
    const { agent, session, run, token } = lock;
    const cluster = this.#options.store.cluster();
    const job = { feed, episode, stage, run, token };
    const command = commandMessage.encode({ kind: 'release', cluster, session, job, reason });
    if (command.ok) this.#options.bus.publish(commandSubject(agent), command.value);
  }

  /** The plan, made anew while it lacks hosts that can be found out. */
  async #planned(): Promise<Plan & { readonly seconds: number; readonly view: PlanView }> {
    const { replica, reports, limits, clock, hosts, failedWith } = this.#options;
    for (let looks = 0; ; looks += 1) {
      const began = clock.monotonicMs();
      const nowMs = clock.wallMs();
      const view = planView(replica.snapshot, reports, nowMs, failedWith);
      const made = wholePlan({ ...view, hosts: hosts?.planned(nowMs) }, limits);
      const seconds = (clock.monotonicMs() - began) / 1_000;
      const isKnown = made.unknown.length === 0 || looks === LOOKS_MAX;
      if (isKnown || !(await this.#findOut(made.unknown))) return { ...made, seconds, view };
    }
  }

  /** False: they cannot be found out now, which is no reason to keep the others waiting. */
  async #findOut(feeds: readonly FeedId[]): Promise<boolean> {
    try {
      await this.#options.hosts?.findOut(feeds);
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log.warn({ reason }, 'hosts of feeds cannot be found out now');
      return false;
    }
  }

  #kickLater(signal: AbortSignal): void {
    if (this.#isPacing) return;
    this.#isPacing = true;
    const after = () => {
      this.#isPacing = false;
      this.kick();
    };
    this.#options.clock.sleep(PACE_MS, signal).then(after, () => undefined);
  }

  async #assign(assignment: Assignment): Promise<keyof Rejected | 'given'> {
    const { feed, episode, stage, revision, agent, session } = assignment;
    const { store, replica, clock, epoch } = this.#options;
    const row = episodeRow(replica.snapshot, feed, episode);
    const { record = null } = replica.snapshot.feeds.get(feed) ?? {};
    // A plan takes a while to be written: since then its feed may have been paused, or its agent taken out.
    if (!mayBegin(record) || isClosed(replica.snapshot.cordons.get(agent)?.record)) return 'closed';
    const nowMs = clock.wallMs();
    if (stage === 'download' && this.#options.hosts?.mayBegin(feed, episode, nowMs) === false)
      return 'closed';
    if (row === null || row.revision !== revision) return 'conflict';
    const holder = {
      cluster: store.cluster(),
      token: revision as LockRow['lock']['token'],
      agent,
      session,
      epoch,
      nowMs,
    };
    if (stage === 'download') this.#options.hosts?.began(feed, episode, nowMs);
    const outcome = await store.moveAt(row, stage, { kind: 'assign', holder });
    if (outcome.kind === 'given_up')
      this.#options.log.warn(
        { feed, episode, stage, reason: outcome.reason },
        'an assignment is in doubt',
      );
    if (outcome.kind !== 'moved') return 'conflict';
    const { lock } = outcome.state.stages[stage];
    if (lock.state === 'held')
      await this.#tell({ feed, episode, stage, revision: outcome.revision, lock });
    return 'given';
  }
}
