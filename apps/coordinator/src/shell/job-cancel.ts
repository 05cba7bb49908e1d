import type { EpisodeState, HeldLock } from '@podctl/domain/episode-state.ts';
import { commandSubject } from '@podctl/domain/key.ts';
import type { LockToRelease, ReleasedLock } from '@podctl/domain/order.ts';
import type { Bus } from '@podctl/platform/bus.ts';
import { commandMessage } from '@podctl/platform/wire.ts';
import { canceledBy } from '../core/job-view.ts';
import { OrderFailed } from './order-failed.ts';
import { revoke, type SettleDeps } from './settle.ts';

/**
 * Takes the job from its agent for good: it is dead until somebody asks for it again. The agent is told at once; should it
 * not hear that, the answer to its next heartbeat says so. Rejects with OrderFailed when it is not known what came of it.
 */
export async function cancelJob(
  deps: SettleDeps & { readonly bus: Bus },
  job: LockToRelease,
  by: string,
): Promise<ReleasedLock> {
  const { record } = await deps.store.readEpisode(job.feed, job.episode);
  const reason = canceledBy(by);
  const outcome = await revoke(deps, job, { kind: 'canceled', reason });
  switch (outcome.kind) {
    case 'moved':
      if (record !== null) callOff(deps.bus, record, job, reason);
      return { kind: 'released', revision: outcome.revision };
    case 'declined': {
      const found = outcome.state?.stages[job.stage].lock;
      // Asked twice, or by a coordinator that has not seen it yet: what was wished for is so.
      if (found?.state === 'dead' && found.ended === 'canceled') {
        const { revision } = await deps.store.readEpisode(job.feed, job.episode);
        return { kind: 'released', revision };
      }
      const isCommitted = found?.state === 'committed' && found.token === job.token;
      return { kind: isCommitted ? 'committed' : 'not_held' };
    }
    case 'given_up':
      throw new OrderFailed(`the job could not be canceled: ${outcome.reason}`);
  }
}

/** A hint: the lock is gone already. */
function callOff(
  bus: Bus,
  { cluster, stages }: EpisodeState,
  { feed, episode, stage, token }: LockToRelease,
  reason: string,
): void {
  const { lock } = stages[stage];
  if (lock.state !== 'held' || lock.token !== token) return;
  const { run, session, agent }: HeldLock = lock;
  const job = { feed, episode, stage, run, token };
  const encoded = commandMessage.encode({ kind: 'cancel', cluster, session, job, reason });
  if (encoded.ok) bus.publish(commandSubject(agent), encoded.value);
}
