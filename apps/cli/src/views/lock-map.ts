import type { Lock } from '@podctl/proto/podctl/v1/lock.ts';
import { type StageWord, stageWord } from './episode-map.ts';
import { isoTime } from './list-document.ts';

/** A lock, as `--json` prints it. */
export interface LockView {
  readonly feedId: string;
  readonly episodeId: string;
  readonly stage: StageWord;
  readonly state: 'held' | 'committed';
  /** Fencing token. */
  readonly token: string;
  readonly agentId: string;
  readonly session: string;
  readonly epoch: string;
  readonly heldSince: string | null;
  readonly lastProgressAt: string | null;
  readonly stale: boolean;
}

export function lockView(lock: Lock): LockView {
  return {
    feedId: lock.feedId,
    episodeId: lock.episodeId,
    stage: stageWord(lock.stage),
    state: lock.committed ? 'committed' : 'held',
    token: String(lock.token),
    agentId: lock.agentId,
    session: String(lock.session),
    epoch: String(lock.epoch),
    heldSince: isoTime(lock.heldSince),
    lastProgressAt: isoTime(lock.lastProgressAt),
    stale: lock.stale,
  };
}
