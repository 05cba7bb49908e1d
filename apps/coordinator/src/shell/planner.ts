import type { AgentId, Epoch } from '@podctl/domain/ids.ts';
import { commandSubject } from '@podctl/domain/key.ts';
import type { Bus } from '@podctl/platform/bus.ts';
import { commandMessage } from '@podctl/platform/wire.ts';
import { type Assignment, type PlanLimits, plan } from '../core/plan.ts';
import { planView } from '../core/plan-view.ts';
import { episodeRow, type LockRow } from '../core/snapshot.ts';
import type { AgentReport } from '../core/view.ts';
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
  readonly epoch: Epoch;
  readonly log: Logger;
  /** How long a plan took, and how many of its entries lost their CAS. */
  planned(seconds: number, entries: number, rejected: number): void;
}

/** Plans are at least so far apart, and at most. */
const SPACING_MS = 50;
const TICK_MS = 1_000;
const ASSIGN_AT_ONCE = 32;

/** Plans on each change, and writes what was planned: one CAS an assignment, and a hint once the server has acknowledged it. */
export class Planner extends Loop {
  readonly #options: PlannerOptions;

  constructor(options: PlannerOptions) {
    super('planner', {
      clock: options.clock,
      tickMs: TICK_MS,
      spacingMs: SPACING_MS,
      log: options.log,
    });
    this.#options = options;
  }

  /** Tells an agent (again) what it holds. A hint only: it may be lost, doubled, or late. */
  async hint({ feed, episode, stage, lock }: LockRow): Promise<void> {
    const state = episodeRow(this.#options.replica.snapshot, feed, episode)?.state;
    if (state === undefined || lock.state !== 'held') return;
    const work = await workFor(this.#options, feed, episode, stage, state);
    const { agent, session, run, token } = lock;
    if (!work.ok) {
      const end = { kind: 'failed', reason: work.error, retryAfterMs: null, final: false } as const;
      await revoke(this.#options, { feed, episode, stage, token }, end);
      return;
    }
    const cluster = this.#options.store.cluster();
    const job = { feed, episode, stage, run, token };
    const command = commandMessage.encode({
      kind: 'start',
      cluster,
      session,
      job,
      work: work.value,
    });
    if (command.ok) this.#options.bus.publish(commandSubject(agent), command.value);
    else this.#options.log.error({ feed, episode, problem: command.error }, 'a job cannot be told');
  }

  protected override async turn(signal: AbortSignal): Promise<void> {
    const { library, replica, limits, clock } = this.#options;
    const health = await library.check();
    if (health.kind === 'offline') return;
    const began = clock.monotonicMs();
    const assignments = plan(
      planView(replica.snapshot, this.#options.reports, clock.wallMs()),
      limits,
    );
    const seconds = (clock.monotonicMs() - began) / 1_000;
    let rejected = 0;
    for (let i = 0; i < assignments.length && !signal.aborted; i += ASSIGN_AT_ONCE) {
      const batch = assignments.slice(i, i + ASSIGN_AT_ONCE);
      const won = await Promise.all(batch.map((assignment) => this.#assign(assignment)));
      rejected += won.filter((one) => !one).length;
    }
    this.#options.planned(seconds, assignments.length, rejected);
  }

  async #assign({ feed, episode, stage, revision, agent, session }: Assignment): Promise<boolean> {
    const { store, replica, clock, epoch } = this.#options;
    const row = episodeRow(replica.snapshot, feed, episode);
    if (row === null || row.revision !== revision) return false;
    const holder = {
      cluster: store.cluster(),
      token: revision as LockRow['lock']['token'],
      agent,
      session,
      epoch,
      nowMs: clock.wallMs(),
    };
    const outcome = await store.moveAt(row, stage, { kind: 'assign', holder });
    if (outcome.kind === 'given_up')
      this.#options.log.warn(
        { feed, episode, stage, reason: outcome.reason },
        'an assignment is in doubt',
      );
    if (outcome.kind !== 'moved') return false;
    const { lock } = outcome.state.stages[stage];
    if (lock.state === 'held')
      await this.hint({ feed, episode, stage, revision: outcome.revision, lock });
    return true;
  }
}
