import { decodeEpisode, encodeEpisode } from '@podctl/domain/episode-codec.ts';
import { move } from '@podctl/domain/episode-move.ts';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import { parseStateKey } from '@podctl/domain/key.ts';
import type { RetryLimits } from '@podctl/domain/retry.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import type { BackupEntry } from './backup.ts';

/** What becomes of one key of a backup in the new world. */
export type Restored =
  | { readonly kind: 'write'; readonly value: string; readonly freed: number }
  /** Of the old world: its name, and the sessions of its agents, who say hello again. */
  | { readonly kind: 'leave_out' };

/**
 * Pure, and the same each time: a restore that was cut off is done again from its beginning.
 *
 * A held lock becomes free, and nothing is counted against the job: its agent did nothing wrong. What is committed stays,
 * under the cluster by which its staging folder is named, and is finished by the new world's publisher. A value that this
 * version cannot read is written as it is.
 */
export function restored({ bucket, key, value }: BackupEntry): Restored {
  if (bucket === 'meta') return { kind: 'write', value, freed: 0 };
  switch (parseStateKey(key).kind) {
    case 'cluster':
    case 'session':
      return { kind: 'leave_out' };
    case 'job':
      return restoredJob(value);
    // A machine that was taken out stays out: whoever restores may not know why it was.
    case 'cordon':
    // A host's patience does not end with the world: it is asked no sooner.
    case 'host':
    case 'feed_host':
    case 'feed':
    case 'unknown':
      return { kind: 'write', value, freed: 0 };
  }
}

export const RESTORED_REASON = 'restored from a backup';

/** Nothing of it is counted, so no limit is reached. */
const NO_LIMITS: RetryLimits = {
  failuresMax: Number.POSITIVE_INFINITY,
  lossesMax: Number.POSITIVE_INFINITY,
  backoffFirstMs: 0,
  backoffMaxMs: 0,
};

function restoredJob(value: string): Restored {
  const before = decodeEpisode(value);
  if (!before.ok) return { kind: 'write', value, freed: 0 };
  let state = before.value;
  let freed = 0;
  for (const stage of STAGES) {
    const after = withoutHolder(state, stage);
    if (after === null) continue;
    state = after;
    freed += 1;
  }
  return { kind: 'write', value: freed === 0 ? value : encodeEpisode(state), freed };
}

function withoutHolder(state: EpisodeState, stage: (typeof STAGES)[number]): EpisodeState | null {
  const { lock } = state.stages[stage];
  if (lock.state !== 'held') return null;
  const end = { kind: 'returned', reason: RESTORED_REASON, retryAfterMs: null } as const;
  const step = { kind: 'revoke', token: lock.token, end, nowMs: 0, random: 0 } as const;
  const after = move(state, stage, step, state.nonce, NO_LIMITS);
  return after.ok ? after.value : null;
}
