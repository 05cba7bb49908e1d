import type { AgentId } from '@podctl/domain/ids.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { RateLimit } from '../core/rate-limit.ts';
import type { Logger } from './logger.ts';

const OF_ONE = { burst: 10, perSecond: 1 / 30, keysMax: 1_000 };
/** Names can be made up where nobody is asked who they are. */
const OF_ALL = { burst: 100, perSecond: 1, keysMax: 1 };

/** What is wrong with the messages of agents, in the log: soon, but too seldom for who sends a million to fill a disk. */
export class MessageComplaints {
  readonly #log: Logger;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #ofOne = new RateLimit(OF_ONE);
  readonly #ofAll = new RateLimit(OF_ALL);

  constructor(log: Logger, clock: Pick<Clock, 'monotonicMs'>) {
    this.#log = log;
    this.#clock = clock;
  }

  /** @param agent null when the subject names none. */
  warn(agent: AgentId | null, fields: object, message: string): void {
    const nowMs = this.#clock.monotonicMs();
    if (!this.#ofOne.take(agent ?? '', nowMs) || !this.#ofAll.take('', nowMs)) return;
    this.#log.warn({ agent, ...fields }, message);
  }
}
