import type { AgentView, CordonView, RunningJobView } from '../views/agent-map.ts';
import { countWords, durationWords, percentWords } from './words.ts';

/** What somebody wished is no problem: in capitals, since it will not stay so. Of one that is away too: it waits for it. */
export function stateCell({ state, cordon }: Pick<AgentView, 'state' | 'cordon'>): string {
  const isWish = state === 'draining' || state === 'cordoned' || state === 'drained';
  if (isWish) return state.toUpperCase();
  return cordon === null ? state : `${state}, ${cordon.kind.toUpperCase()}`;
}

/** Since when, why, by whom, and until when: `draining for 4m10s, by ada: new disk; what is left goes back in 25m50s`. */
export function cordonWords(cordon: CordonView, nowMs: number): string {
  const { kind, reason, by, since, deadline } = cordon;
  const age = since === null ? '' : ` for ${durationWords((nowMs - Date.parse(since)) / 1_000)}`;
  const why = `${by === '' ? '' : `, by ${by}`}${reason === '' ? '' : `: ${reason}`}`;
  const end = kind === 'draining' ? `; ${deadlineWords(deadline, nowMs)}` : '';
  return `${kind}${age}${why}${end}`;
}

/** A clause without its full stop. */
export function deadlineWords(deadline: string | null, nowMs: number): string {
  if (deadline === null) return 'what it holds is waited for, however long it takes';
  const leftSeconds = (Date.parse(deadline) - nowMs) / 1_000;
  return leftSeconds <= 0
    ? 'what is left goes back into the queue now'
    : `what is left goes back into the queue in ${durationWords(leftSeconds)}`;
}

const JOBS_SHOWN_MAX = 3;

/** `2 jobs left: transcribe the-clockmakers/abcdefgh 41%, download …`. */
export function jobsLeft(jobs: readonly RunningJobView[]): string {
  const shown = jobs
    .slice(0, JOBS_SHOWN_MAX)
    .map(
      ({ stage, feedId, episodeId, progressRatio }) =>
        `${stage} ${feedId}/${episodeId.slice(0, 8)} ${percentWords(progressRatio)}%`,
    );
  const more = jobs.length - shown.length;
  const list = more > 0 ? [...shown, `and ${more} more`] : shown;
  return `${countWords(jobs.length, 'job')} left: ${list.join(', ')}`;
}
