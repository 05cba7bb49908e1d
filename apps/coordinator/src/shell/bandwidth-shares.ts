import type { AgentId } from '@podctl/domain/ids.ts';
import { commandSubject } from '@podctl/domain/key.ts';
import type { Bus } from '@podctl/platform/bus.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { commandMessage } from '@podctl/platform/wire.ts';
import { bandwidthShares, type Share } from '../core/bandwidth-share.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';
import type { Replica } from './replica.ts';

export interface BandwidthSharesOptions {
  readonly clock: Clock;
  readonly bus: Bus;
  readonly replica: Replica;
  readonly log: Logger;
  readonly bytesPerSecondMax: number;
}

const TICK_MS = 500;
/** Said again, since a message may be lost. */
const AGAIN_MS = 5_000;

/**
 * Tells the agents that download what each may take of the fleet's bandwidth. One that begins is told within half a second,
 * and the others then have less: so long at most the fleet is above its cap.
 */
export class BandwidthShares extends Loop {
  readonly #options: BandwidthSharesOptions;
  #told = new Map<AgentId, { readonly share: Share; readonly atMs: number }>();

  constructor(options: BandwidthSharesOptions) {
    const { clock, log } = options;
    super('bandwidth shares', { clock, tickMs: TICK_MS, spacingMs: TICK_MS, log });
    this.#options = options;
  }

  protected override async turn(): Promise<void> {
    const { clock, bus, replica, bytesPerSecondMax } = this.#options;
    const nowMs = clock.monotonicMs();
    const told = new Map<AgentId, { readonly share: Share; readonly atMs: number }>();
    for (const share of bandwidthShares(replica.snapshot, bytesPerSecondMax)) {
      const before = this.#told.get(share.agent);
      if (before !== undefined && isSame(before.share, share) && nowMs - before.atMs < AGAIN_MS) {
        told.set(share.agent, before);
        continue;
      }
      const { agent, session, bytesPerSecond } = share;
      const command = commandMessage.encode({ kind: 'bandwidth', session, bytesPerSecond });
      if (command.ok) bus.publish(commandSubject(agent), command.value);
      told.set(agent, { share, atMs: nowMs });
    }
    this.#told = told;
  }
}

function isSame(a: Share, b: Share): boolean {
  return a.session === b.session && a.bytesPerSecond === b.bytesPerSecond;
}
