import type { AgentId } from '@podctl/domain/ids.ts';
import type { JobToken } from '@podctl/domain/protocol.ts';
import type { EndedAttempt } from './job-history.ts';
import { episodeRow, type Snapshot } from './snapshot.ts';

/** Whether the attempt is that agent's: it holds the lock, or it did until lately, as far as is known here. */
export function isAttemptOf(
  agent: AgentId,
  { feed, episode, stage, run, token }: JobToken,
  snapshot: Snapshot,
  ended: readonly EndedAttempt[],
): boolean {
  const lock = episodeRow(snapshot, feed, episode)?.state.stages[stage].lock;
  const isHeld = lock?.state === 'held' || lock?.state === 'committed';
  if (isHeld && lock.token === token) return lock.agent === agent && lock.run === run;
  const attempt = ended.findLast(
    (one) => one.token === token && one.episode === episode && one.stage === stage,
  );
  return attempt?.agent === agent && attempt.run === run && attempt.feed === feed;
}
