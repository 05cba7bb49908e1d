import type { Lock } from '@podctl/proto/podctl/v1/lock.ts';
import type { LockView } from '../core/view.ts';
import { stageMessage } from './stage-map.ts';
import { dateOf } from './time-map.ts';

export function lockMessage(view: LockView): Lock {
  const { lock } = view;
  return {
    feedId: view.feed,
    episodeId: view.episode,
    stage: stageMessage(view.stage),
    token: BigInt(lock.token),
    agentId: lock.agent,
    session: BigInt(lock.session),
    epoch: BigInt(lock.epoch),
    committed: lock.state === 'committed',
    heldSince: dateOf(lock.sinceMs),
    lastProgressAt: dateOf(view.lastProgressMs),
    stale: view.stale,
  };
}
