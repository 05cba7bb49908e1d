import type { Clock } from '@podctl/platform/clock.ts';
import type { PutOut } from './access.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';
import type { Replica } from './replica.ts';
import type { Sessions } from './sessions.ts';

export interface RevokedSessionOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly replica: Replica;
  readonly sessions: Sessions;
  readonly putOut: PutOut;
}

/** The next look when a change was missed, or its end failed. */
const TICK_MS = 1_000;
const SPACING_MS = 20;

const WORDS = { revoked: 'was revoked', unknown: 'is not known to the fleet (any more)' } as const;

/** Ends the session of an agent that was put out, or that no record lets in, as soon as that is known; its jobs go to others. Leader only. */
export class RevokedSessions extends Loop {
  readonly #options: RevokedSessionOptions;
  #unlisten = () => {};

  constructor(options: RevokedSessionOptions) {
    const { clock, log } = options;
    super('revoked sessions', { clock, log, tickMs: TICK_MS, spacingMs: SPACING_MS });
    this.#options = options;
  }

  override async start(): Promise<void> {
    this.#unlisten = this.#options.putOut.onChange(() => this.kick());
    await super.start();
  }

  override async stop(): Promise<void> {
    this.#unlisten();
    await super.stop();
  }

  protected override async turn(): Promise<void> {
    const { replica, sessions, putOut, log } = this.#options;
    for (const row of [...replica.snapshot.sessions.values()]) {
      const { agent, state } = row.record;
      const standing = putOut.standing(agent);
      if (state !== 'live' || standing === 'in' || standing === 'unread') continue;
      log.warn(
        { agent, session: row.session, standing },
        'the session of an agent that is out is ended',
      );
      await sessions.lose(row, `agent ${agent} ${WORDS[standing]}`);
    }
  }
}
