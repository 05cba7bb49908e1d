import type { Clock } from '@podctl/platform/clock.ts';
import { peerOf } from '../core/peer.ts';
import { RateLimit } from '../core/rate-limit.ts';

/** A room full of machines behind one address joins within a minute; a flood of requests does not cost us our loop. */
const JOINS = { burst: 60, perSecond: 1, keysMax: 1_000 };
const JOINS_IN_ALL = { burst: 120, perSecond: 20, keysMax: 1 };
/** Secrets have 160 bits: a second wrong one is a mistake, a tenth an attack. */
const WRONG_SECRETS = { burst: 10, perSecond: 1 / 60, keysMax: 1_000 };
/** A credential is renewed every 20 days. */
const RENEWALS = { burst: 5, perSecond: 1 / 60, keysMax: 1_000 };

/** How often who may try what. */
export class AccessLimits {
  readonly #clock: Clock;
  readonly #joins = new RateLimit(JOINS);
  readonly #joinsInAll = new RateLimit(JOINS_IN_ALL);
  readonly #wrongSecrets = new RateLimit(WRONG_SECRETS);
  readonly #renewals = new RateLimit(RENEWALS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param from the address that asks. */
  mayJoin(from: string): boolean {
    const nowMs = this.#clock.monotonicMs();
    return this.#joins.take(peerOf(from), nowMs) && this.#joinsInAll.take('', nowMs);
  }

  /** While too many wrong ones were shown for it, a token lets nobody in, whatever is shown. */
  mayShowSecret(tokenId: string): boolean {
    return this.#wrongSecrets.has(tokenId, this.#clock.monotonicMs());
  }

  noteWrongSecret(tokenId: string): void {
    this.#wrongSecrets.take(tokenId, this.#clock.monotonicMs());
  }

  mayRenew(agent: string): boolean {
    return this.#renewals.take(agent, this.#clock.monotonicMs());
  }
}
