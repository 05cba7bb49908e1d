import type { Clock } from '@podctl/platform/clock.ts';
import { type CasOutcome, type Kv, KvUnavailable } from '@podctl/platform/kv.ts';
import { afterWrite, NO_WRITES_FAILED, type WriteHealth } from '../core/write-health.ts';

/** A bucket whose writes are watched: what became of each is noted in `health`, and nothing else is changed. */
export class WriteWatch implements Kv {
  readonly #kv: Kv;
  readonly #clock: Clock;
  #health: WriteHealth = NO_WRITES_FAILED;

  constructor(kv: Kv, clock: Clock) {
    this.#kv = kv;
    this.#clock = clock;
  }

  get health(): WriteHealth {
    return this.#health;
  }

  get(...of: Parameters<Kv['get']>) {
    return this.#kv.get(...of);
  }

  tail(...of: Parameters<Kv['tail']>) {
    return this.#kv.tail(...of);
  }

  async cas(...of: Parameters<Kv['cas']>): Promise<CasOutcome> {
    return this.#note(await this.#kv.cas(...of));
  }

  async remove(...of: Parameters<Kv['remove']>): Promise<CasOutcome> {
    return this.#note(await this.#kv.remove(...of));
  }

  async put(...of: Parameters<Kv['put']>): Promise<number> {
    try {
      const revision = await this.#kv.put(...of);
      this.#note({ kind: 'written', revision });
      return revision;
    } catch (error) {
      // The cause is what the server said.
      const cause = error instanceof KvUnavailable ? error.cause : error;
      this.#note({
        kind: 'unknown',
        cause: cause instanceof Error ? cause : new Error(String(cause)),
      });
      throw error;
    }
  }

  #note(outcome: CasOutcome): CasOutcome {
    this.#health = afterWrite(this.#health, outcome, this.#clock.monotonicMs());
    return outcome;
  }
}
