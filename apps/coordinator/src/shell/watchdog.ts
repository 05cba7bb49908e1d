import type { Clock } from '@podctl/platform/clock.ts';
import type { Liveness } from '../core/liveness.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';
import type { Replica } from './replica.ts';
import type { Sessions } from './sessions.ts';

export interface WatchdogOptions {
  readonly clock: Clock;
  readonly replica: Replica;
  readonly liveness: Liveness;
  readonly sessions: Sessions;
  readonly lostAfterMs: number;
  readonly log: Logger;
  /** Whether messages can reach us now. */
  connected(): boolean;
}

const TICK_MS = 1_000;
/** A turn later than this after the one before means that we were away ourselves. */
const LATE_MS = 2 * TICK_MS;

/** Finds the sessions that fell silent. Its own absence, a pause or a lost connection, is never held against an agent. */
export class Watchdog extends Loop {
  readonly #options: WatchdogOptions;
  #lastMs: number;
  #wasConnected = true;

  constructor(options: WatchdogOptions) {
    super('watchdog', {
      clock: options.clock,
      tickMs: TICK_MS,
      spacingMs: TICK_MS / 2,
      log: options.log,
    });
    this.#options = options;
    this.#lastMs = options.clock.monotonicMs();
    options.liveness.beginTerm(options.replica.snapshot.sessions.values(), this.#lastMs);
  }

  protected override async turn(): Promise<void> {
    const { clock, liveness, replica, sessions, lostAfterMs } = this.#options;
    const nowMs = clock.monotonicMs();
    const gapMs = nowMs - this.#lastMs;
    const connected = this.#options.connected();
    if (gapMs > LATE_MS || !connected || !this.#wasConnected) liveness.shift(gapMs);
    this.#lastMs = nowMs;
    this.#wasConnected = connected;
    if (!connected) return;
    for (const row of liveness.silent(replica.snapshot.sessions.values(), nowMs, lostAfterMs)) {
      // The one before took its time: this one may have been heard since.
      if (liveness.silent([row], nowMs, lostAfterMs).length === 0) continue;
      this.#options.log.warn(
        { agent: row.record.agent, session: row.session },
        'an agent fell silent',
      );
      await sessions.lose(row);
    }
    await sessions.closeLeftovers();
  }
}
