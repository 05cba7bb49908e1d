import type { EpisodeState, StageState } from '@podctl/domain/episode-state.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import type { VerdictAnswer } from '@podctl/domain/verdict.ts';

/** One write to an episode's key. */
export interface EpisodeRevision {
  readonly key: string;
  readonly revision: number;
  /** Of the same key, as the server says; 0 for its first. */
  readonly previous: number;
  readonly state: EpisodeState;
}

/** What an agent was told of its result. */
export interface Answer {
  readonly key: string;
  readonly stage: Stage;
  readonly run: number;
  readonly token: number;
  readonly answer: VerdictAnswer;
}

/** One step of one stage. */
interface Step {
  readonly where: string;
  readonly from: StageState;
  readonly to: StageState;
  /** The revision that the write has replaced. */
  readonly replaced: number;
}

/**
 * What was untrue at any revision, one sentence each; the log must hold all of them, in order.
 *   a run has at most one accepted result, and it came from the token that held the lock
 *   what is committed can only be finished; what is done is never taken back, and is done once a run
 *   a token is the revision that its assignment replaced, and is given only to a free lock with a run left to do
 *   what was answered `accepted` is accepted in the log; what was answered `fenced` never is
 */
export function violations(
  log: readonly EpisodeRevision[],
  answers: readonly Answer[] = [],
): string[] {
  const found: string[] = [];
  const last = new Map<string, EpisodeRevision>();
  const accepted = new Map<string, number>();
  for (const entry of log) {
    const before = last.get(entry.key);
    last.set(entry.key, entry);
    if (entry.previous !== (before?.revision ?? 0))
      found.push(`${entry.key} was at ${entry.previous} before ${entry.revision}, unrecorded`);
    if (before === undefined) continue;
    for (const stage of STAGES) {
      const where = `${entry.key} ${stage} at ${entry.revision}`;
      const step = { where, from: before.state.stages[stage], to: entry.state.stages[stage] };
      found.push(...wrongSteps({ ...step, replaced: before.revision }));
      found.push(...secondAccepted(accepted, `${entry.key} ${stage}`, step.to));
    }
  }
  return [...found, ...wrongAnswers(accepted, answers)];
}

function wrongSteps(step: Step): string[] {
  const checks = [wrongAssignment, wrongCommit, wrongFinish, wrongDone];
  return checks.flatMap((check) => {
    const what = check(step);
    return what === null ? [] : [`${step.where}: ${what}`];
  });
}

function wrongAssignment({ from, to, replaced }: Step): string | null {
  if (to.lock.state !== 'held') return null;
  if (from.lock.state === 'held' && from.lock.token === to.lock.token) return null;
  if (from.lock.state !== 'free') return `it was given away while it was ${from.lock.state}`;
  if (to.lock.token !== replaced) return `its token is ${to.lock.token}, not ${replaced}`;
  return (from.done?.run ?? 0) >= from.wanted ? 'it was given away with no run left' : null;
}

function wrongCommit({ from, to }: Step): string | null {
  if (to.lock.state !== 'committed' || from.lock.state === 'committed') return null;
  if (from.lock.state !== 'held') return `it was committed while it was ${from.lock.state}`;
  const isSame =
    from.lock.token === to.lock.token &&
    from.lock.session === to.lock.session &&
    from.lock.run === to.lock.run;
  return isSame ? null : `token ${to.lock.token} was committed where ${from.lock.token} held`;
}

function wrongFinish({ from, to }: Step): string | null {
  if (from.lock.state !== 'committed') return null;
  const { token, run, manifest } = from.lock;
  if (to.lock.state === 'committed' && to.lock.token === token) return null;
  const isDone =
    to.done?.token === token && to.done.run === run && to.done.manifest.sha256 === manifest.sha256;
  return isDone ? null : `the accepted token ${token} was forgotten: ${to.lock.state}`;
}

function wrongDone({ from, to }: Step): string | null {
  if (to.done?.run === from.done?.run && to.done?.token === from.done?.token) return null;
  if (to.done === null) return 'what was done was taken back';
  if (from.lock.state !== 'committed' || from.lock.token !== to.done.token)
    return `token ${to.done.token} was done and not committed`;
  return to.done.run > (from.done?.run ?? 0) ? null : `run ${to.done.run} was done again`;
}

function secondAccepted(
  accepted: Map<string, number>,
  what: string,
  { lock, done }: StageState,
): string[] {
  const results = [...(lock.state === 'committed' ? [lock] : []), ...(done === null ? [] : [done])];
  return results.flatMap(({ run, token }) => {
    const name = `${what} run ${run}`;
    const known = accepted.get(name);
    accepted.set(name, known ?? token);
    return known === undefined || known === token
      ? []
      : [`${name} has two accepted results, ${known} and ${token}`];
  });
}

function wrongAnswers(accepted: ReadonlyMap<string, number>, answers: readonly Answer[]): string[] {
  return answers.flatMap(({ key, stage, run, token, answer }) => {
    const isAccepted = accepted.get(`${key} ${stage} run ${run}`) === token;
    const isWrong = answer === 'accepted' ? !isAccepted : answer === 'fenced' && isAccepted;
    const not = isAccepted ? '' : 'not ';
    return isWrong ? [`${key} ${stage}: ${token} was told ${answer} and is ${not}accepted`] : [];
  });
}
