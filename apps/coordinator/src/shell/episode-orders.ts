import { type Move, nextRun } from '@podctl/domain/episode-move.ts';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import type { EpisodeToSkip, JobName, Order } from '@podctl/domain/order.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import { OrderFailed } from './order-failed.ts';
import type { SettleDeps } from './settle.ts';
import type { MoveOutcome } from './store.ts';

/** Synced writes at a time: a server does several in the time of one. */
const AT_ONCE = 16;

/** Gives how many are tried again by this. Rejects with OrderFailed when that cannot be said of all. */
export async function retryJobs(
  deps: SettleDeps,
  { request, jobs, model }: Omit<Extract<Order, { kind: 'retry_jobs' }>, 'kind'>,
): Promise<number> {
  let retried = 0;
  for (let i = 0; i < jobs.length; i += AT_ONCE) {
    const some = jobs.slice(i, i + AT_ONCE);
    const outcomes = await Promise.all(some.map((job) => retry(deps, { request, model }, job)));
    retried += outcomes.filter((is) => is).length;
  }
  return retried;
}

interface Asked {
  readonly request: string;
  readonly model: string | undefined;
}

async function retry(deps: SettleDeps, asked: Asked, job: JobName): Promise<boolean> {
  const { feed, episode, stage } = job;
  const decide = (state: EpisodeState) => retryMove(state, stage, asked);
  const outcome = await deps.store.moveEpisode(feed, episode, stage, decide);
  return isMoved(outcome);
}

/** One that is done, held or about to be done is left alone: only who sees what it is may ask for one more run. */
function retryMove({ stages }: EpisodeState, stage: Stage, { request, model }: Asked): Move | null {
  const { lock, wanted } = stages[stage];
  const isUnwanted = lock.state === 'free' && wanted === 0;
  if (lock.state === 'dead' || isUnwanted) return { kind: 'request', request, model };
  const waits = lock.state === 'free' && nextRun(stages[stage]) <= wanted && lock.notBeforeMs > 0;
  return waits ? { kind: 'hasten', model } : null;
}

/** Gives the stages that are given up by this, or were dead and are skipped now; an accepted result stays and is finished. */
export async function skipEpisode(
  deps: SettleDeps,
  { feed, episode, by }: EpisodeToSkip,
): Promise<readonly Stage[]> {
  const reason = `skipped by ${by}`;
  const skipped: Stage[] = [];
  for (const stage of STAGES) {
    const outcome = await deps.store.moveEpisode(feed, episode, stage, (state) =>
      skipMove(deps, state, stage, reason),
    );
    if (isMoved(outcome)) skipped.push(stage);
  }
  return skipped;
}

/** What is held is taken from its agent for good. */
function skipMove(
  { clock, random }: SettleDeps,
  { stages }: EpisodeState,
  stage: Stage,
  reason: string,
): Move | null {
  const { lock, wanted } = stages[stage];
  switch (lock.state) {
    case 'free':
      return nextRun(stages[stage]) <= wanted ? { kind: 'skip', reason } : null;
    case 'dead':
      return lock.ended === 'skipped' ? null : { kind: 'skip', reason };
    case 'held': {
      const end = { kind: 'skipped', reason } as const;
      return { kind: 'revoke', token: lock.token, end, nowMs: clock.wallMs(), random: random() };
    }
    case 'committed':
      return null;
  }
}

function isMoved(outcome: MoveOutcome): boolean {
  if (outcome.kind === 'given_up') throw new OrderFailed(outcome.reason);
  return outcome.kind === 'moved';
}
