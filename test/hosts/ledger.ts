import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import { IDLE_ELSEWHERE } from '../../apps/coordinator/src/core/held-ahead.ts';
import { violations } from '../failpoint/invariants.ts';
import type { Recorded, Recorder, Verdict } from './recorder.ts';

/** One assignment, by its token. */
export interface Assigned {
  readonly key: string;
  readonly stage: Stage;
  readonly run: number;
  readonly token: number;
  readonly agent: string;
  readonly epoch: number;
  readonly atMs: number;
}

/** How an assignment ended: its token's lock came free without a result. */
export interface Revoked {
  readonly key: string;
  readonly stage: Stage;
  readonly token: number;
  readonly agent: string;
  readonly reason: string | null;
  readonly atMs: number;
}

/** What a scenario came to, counted from all revisions and all answers. */
export interface Counts {
  /** Runs of a stage with an accepted result. */
  readonly accepted: number;
  /** Tokens whose results were answered `fenced`. */
  readonly fenced: number;
  /** Assignments of a run that had been assigned before, and was not handed back unbegun since another agent was free. */
  readonly repeated: number;
  /** Accepted once and not done now. */
  readonly lost: number;
  readonly acceptedTwice: number;
}

/** The assignments since then, in order of their revisions. */
export function assignments(recorder: Recorder, sinceMs: number): Assigned[] {
  return steps(recorder.seenSince(sinceMs)).flatMap(({ stage, from, to }) => {
    const { lock } = to.state.stages[stage];
    if (lock.state !== 'held') return [];
    const before = from?.state.stages[stage].lock;
    if (before?.state === 'held' && before.token === lock.token) return [];
    const { run, token, agent, epoch } = lock;
    return [{ key: to.key, stage, run, token, agent, epoch, atMs: to.atMs }];
  });
}

export function revocations(recorder: Recorder, sinceMs: number): Revoked[] {
  return steps(recorder.seenSince(sinceMs)).flatMap(({ stage, from, to }) => {
    const before = from?.state.stages[stage].lock;
    const { lock } = to.state.stages[stage];
    if (before?.state !== 'held') return [];
    if (lock.state === 'committed' || (lock.state === 'held' && lock.token === before.token))
      return [];
    const reason = lock.state === 'free' || lock.state === 'dead' ? lock.reason : null;
    const { token, agent } = before;
    return [{ key: to.key, stage, token, agent, reason, atMs: to.atMs }];
  });
}

/** What is held now. */
export function held(recorder: Recorder): Assigned[] {
  return [...recorder.newest.values()].flatMap(({ key, state, atMs }) =>
    STAGES.flatMap((stage) => {
      const { lock } = state.stages[stage];
      if (lock.state !== 'held') return [];
      const { run, token, agent, epoch } = lock;
      return [{ key, stage, run, token, agent, epoch, atMs }];
    }),
  );
}

/** Whether that very token's result was accepted. */
export function isAccepted(recorder: Recorder, { key, stage, token }: Assigned): boolean {
  return acceptedTokens(recorder.revisions()).get(`${key} ${stage}`)?.has(token) ?? false;
}

/** The longest time without an assignment that ended after `fromMs`. */
export function longestGapMs(recorder: Recorder, fromMs: number, untilMs: number): number {
  const times = assignments(recorder, fromMs).map(({ atMs }) => atMs);
  let gapMs = 0;
  let beforeMs = fromMs;
  for (const atMs of [...times.filter((time) => time < untilMs), untilMs]) {
    gapMs = Math.max(gapMs, atMs - beforeMs);
    beforeMs = atMs;
  }
  return gapMs;
}

export function countsOf(recorder: Recorder, sinceMs: number): Counts {
  const all = recorder.revisions();
  const accepted = acceptedTokens(all);
  const assigned = assignments(recorder, 0);
  const unbegun = new Set(
    revocations(recorder, 0)
      .filter(({ reason }) => reason === IDLE_ELSEWHERE)
      .map(({ key, stage, token }) => `${key} ${stage} ${token}`),
  );
  const seen = new Set<string>();
  let repeated = 0;
  for (const { key, stage, run, token, atMs } of assigned) {
    const name = `${key} ${stage} ${run}`;
    if (seen.has(name) && atMs >= sinceMs) repeated += 1;
    if (!unbegun.has(`${key} ${stage} ${token}`)) seen.add(name);
  }
  const touched = new Set(recorder.seenSince(sinceMs).map(({ key }) => key));
  const here = [...accepted].filter(([name]) => touched.has(name.split(' ')[0] ?? ''));
  const lost = here.filter(([name, tokens]) => !stillKnown(recorder, name, tokens)).length;
  const acceptedTwice = here.filter(([, tokens]) => tokens.size > 1).length;
  const fenced = fencedTokens(recorder.verdicts, sinceMs).size;
  return { accepted: here.length, fenced, repeated, lost, acceptedTwice };
}

/** The invariants of test/failpoint/invariants.ts; a key of which a revision was never seen is judged by `countsOf` alone. */
export function wrongs(recorder: Recorder): string[] {
  const all = recorder.revisions();
  const last = new Map<string, number>();
  const broken = new Set<string>();
  for (const { key, revision, previous } of all) {
    if (previous !== (last.get(key) ?? 0)) broken.add(key);
    last.set(key, revision);
  }
  const whole = all.filter(({ key }) => !broken.has(key));
  const answers = recorder.verdicts.filter(({ key }) => !broken.has(key));
  return [...recorder.faults, ...violations(whole, answers)];
}

function fencedTokens(verdicts: readonly Verdict[], sinceMs: number): Set<string> {
  return new Set(
    verdicts
      .filter(({ answer, atMs }) => answer === 'fenced' && atMs >= sinceMs)
      .map(({ key, stage, token }) => `${key} ${stage} ${token}`),
  );
}

/** By key and stage: here each stage has one run, so two tokens are two accepted results. */
function acceptedTokens(all: readonly Recorded[]): Map<string, Set<number>> {
  const accepted = new Map<string, Set<number>>();
  for (const { stage, to } of steps(all)) {
    const { lock, done } = to.state.stages[stage];
    const tokens = [lock.state === 'committed' ? lock.token : null, done?.token ?? null];
    const name = `${to.key} ${stage}`;
    for (const token of tokens.filter((one) => one !== null))
      accepted.set(name, (accepted.get(name) ?? new Set()).add(token));
  }
  return accepted;
}

function stillKnown(recorder: Recorder, name: string, tokens: ReadonlySet<number>): boolean {
  const [key = '', stage = ''] = name.split(' ');
  const of = recorder.newest.get(key)?.state.stages[stage as Stage];
  if (of === undefined) return false;
  const { lock, done } = of;
  return (
    (done !== null && tokens.has(done.token)) ||
    (lock.state === 'committed' && tokens.has(lock.token))
  );
}

function steps(all: readonly Recorded[]) {
  return all.flatMap((to) => STAGES.map((stage) => ({ stage, from: to.before, to })));
}
