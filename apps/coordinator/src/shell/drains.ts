import { afterDrain } from '@podctl/domain/cordon.ts';
import { commandSubject } from '@podctl/domain/key.ts';
import type { CommandMessage } from '@podctl/domain/protocol.ts';
import type { Bus } from '@podctl/platform/bus.ts';
import { commandMessage } from '@podctl/platform/wire.ts';
import { type DrainStep, drainSteps } from '../core/drain.ts';
import type { CordonRow, LockRow } from '../core/snapshot.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';
import type { Replica } from './replica.ts';
import { type SettleDeps, settle } from './settle.ts';
import { takeBackEach } from './take-back.ts';

export interface DrainOptions extends SettleDeps {
  readonly bus: Bus;
  readonly replica: Replica;
  readonly log: Logger;
}

const TICK_MS = 500;
const SPACING_MS = 100;

/** Ends drains: at their deadline, or when nothing is held any more. Leader only. */
export class Drains extends Loop {
  readonly #options: DrainOptions;

  constructor(options: DrainOptions) {
    const { clock, log } = options;
    super('drains', { clock, log, tickMs: TICK_MS, spacingMs: SPACING_MS });
    this.#options = options;
  }

  protected override async turn(signal: AbortSignal): Promise<void> {
    const { replica, clock } = this.#options;
    for (const step of drainSteps(replica.snapshot, clock.wallMs())) {
      if (signal.aborted) return;
      if (step.kind === 'drained') await this.#close(step.row);
      else await this.#takeBack(step, signal);
    }
  }

  /** At the revision that was seen: whoever wished for something else meanwhile is not overwritten. */
  async #close({ record, revision }: CordonRow): Promise<void> {
    const { store, clock, log } = this.#options;
    const nonce = store.newNonce();
    const cluster = store.cluster();
    const drained = { ...record, ...afterDrain(record, clock.wallMs()), nonce, cluster };
    const written = await store.casCordon(drained, revision);
    if (written.kind === 'written') log.info({ agent: record.agent }, 'an agent is drained');
  }

  async #takeBack(
    { row, locks, reason }: Extract<DrainStep, { kind: 'take_back' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const { replica, log } = this.#options;
    const { agent } = row.record;
    const takeOne = async (lock: LockRow) => {
      // Called off, or given more time, while others were taken back: the next turn looks at what is wished for now.
      if (replica.snapshot.cordons.get(agent)?.revision === row.revision)
        await this.#takeOne(lock, reason);
    };
    await takeBackEach(locks, takeOne, log, signal);
  }

  async #takeOne({ feed, episode, stage, lock }: LockRow, reason: string): Promise<void> {
    const { token, agent, run } = lock;
    const name = { feed, episode, stage, token };
    // What it finished and could not have judged yet is committed by the same look.
    const end = { kind: 'returned', reason, retryAfterMs: null } as const;
    const outcome = await settle(this.#options, name, () => end);
    this.#options.log.info({ ...name, agent, outcome: outcome.kind }, 'a drain took a job back');
    if (outcome.kind !== 'moved' || outcome.state.stages[stage].lock.state === 'committed') return;
    this.#tell(lock, { kind: 'cancel', job: { ...name, run }, reason });
  }

  /** A hint: the next heartbeat would call it off too. */
  #tell(
    { agent, session }: LockRow['lock'],
    command: Omit<Extract<CommandMessage, { kind: 'cancel' }>, 'cluster' | 'session'>,
  ): void {
    const cluster = this.#options.store.cluster();
    const encoded = commandMessage.encode({ ...command, cluster, session });
    if (encoded.ok) this.#options.bus.publish(commandSubject(agent), encoded.value);
  }
}
