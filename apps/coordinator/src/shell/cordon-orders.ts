import { afterWish, type CordonRecord, type CordonWish } from '@podctl/domain/cordon.ts';
import type { AgentId } from '@podctl/domain/ids.ts';
import type { SetCordon } from '@podctl/domain/order.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { OrderFailed } from './order-failed.ts';
import type { Store } from './store.ts';

export interface CordonDeps {
  readonly store: Store;
  readonly clock: Clock;
}

const TRIES_MAX = 8;

/** Does to an agent's cordon what was wished, by CAS. Rejects with OrderFailed: the same may be wished again. */
export async function setCordon(
  { store, clock }: CordonDeps,
  agent: AgentId,
  wish: CordonWish,
): Promise<SetCordon> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const { record, revision } = await store.readCordon(agent);
    const after = afterWish(record, wish, clock.wallMs());
    if (after === null) return { cordon: record, changed: false };
    const next: CordonRecord = {
      ...after,
      agent,
      cluster: store.cluster(),
      nonce: store.newNonce(),
    };
    const written = await store.casCordon(next, revision);
    if (written.kind === 'written') return { cordon: after, changed: true };
    if (written.kind === 'unknown')
      throw new OrderFailed(`whether it was written is not known: ${written.cause.message}`);
  }
  throw new OrderFailed('others changed the same agent at the same time');
}
