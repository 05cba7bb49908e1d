import type { Progress } from '../core/progress.ts';
import type { LockRow } from '../core/snapshot.ts';
import { locksWithoutProgress } from '../core/stale.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';
import type { Replica } from './replica.ts';
import { type SettleDeps, settle } from './settle.ts';

export interface StaleLocksOptions extends SettleDeps {
  readonly replica: Replica;
  readonly progress: Progress;
  readonly log: Logger;
  readonly staleAfterMs: number;
}

const TICK_MS = 5_000;
const LATE_MS = 2 * TICK_MS;

/** Revokes locks without progress, where the operator chose that (`locks.stalePolicy`). Leader only. */
export class StaleLocks extends Loop {
  readonly #options: StaleLocksOptions;
  readonly #firstSeen = new Map<string, number>();
  #lastMs: number;

  constructor(options: StaleLocksOptions) {
    const { clock, log } = options;
    super('stale locks', { clock, log, tickMs: TICK_MS, spacingMs: TICK_MS / 2 });
    this.#options = options;
    this.#lastMs = clock.monotonicMs();
  }

  protected override async turn(): Promise<void> {
    const { clock, replica, progress, staleAfterMs } = this.#options;
    const nowMs = clock.monotonicMs();
    // Paused ourselves, we heard nobody: all of them have the whole time again.
    if (nowMs - this.#lastMs > LATE_MS) this.#firstSeen.clear();
    this.#lastMs = nowMs;
    const { locks } = replica.snapshot;
    const rule = { nowMs, staleAfterMs };
    for (const row of locksWithoutProgress(locks, progress, this.#firstSeen, rule))
      await this.#revoke(row);
  }

  async #revoke({ feed, episode, stage, lock }: LockRow): Promise<void> {
    const { staleAfterMs, log } = this.#options;
    const reason = `no progress for ${Math.round(staleAfterMs / 1_000)} s`;
    const end = { kind: 'failed', reason, retryAfterMs: null, final: false } as const;
    const name = { feed, episode, stage, token: lock.token };
    // Finished work whose verdict could not be given meanwhile is committed by the same look.
    const outcome = await settle(this.#options, name, () => end);
    log.warn({ ...name, agent: lock.agent, outcome: outcome.kind }, 'a stale lock is settled');
  }
}
