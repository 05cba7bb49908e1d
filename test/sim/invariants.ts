import type { StageState } from '@podctl/domain/episode-state.ts';
import type { ClusterId, EpisodeId, FeedId, Token } from '@podctl/domain/ids.ts';
import { stagingFolder } from '@podctl/domain/library-path.ts';
import type { ResultMessage } from '@podctl/domain/protocol.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import type { VerdictAnswer } from '@podctl/domain/verdict.ts';
import type { JobChange, Judges, Recorder, SessionChange } from './recorder.ts';
import { allEpisodes } from './world.ts';

/** What must never be untrue, a function for each sentence: it says what is wrong with what just happened. */

/** One stage of one revision. */
interface StageChange extends JobChange {
  readonly stage: Stage;
  readonly was: StageState;
  readonly is: StageState;
}

type JobRule = (log: Recorder, change: StageChange) => string | null;

/** A file may be written while its lock is being judged; later than this it must have been seen. */
const LOOKED_WITHIN_MS = 10_000;
/** The same, when its agent has said in its goodbye that it is finished. */
const HANDED_OVER_MS = 3_000;
/** The same, when the one who judged was paused in between. */
const LOOKED_WITHIN_PAUSED_MS = 75_000;

const aRunHasOneAcceptedResult: JobRule = (log, { feed, episode, stage, was, is }) => {
  const { lock } = is;
  if (lock.state !== 'committed' || was.lock.state === 'committed') return null;
  const held = was.lock.state === 'held' ? was.lock : null;
  if (held?.token !== lock.token || held.run !== lock.run)
    return sentence(
      'A run has at most one accepted result, and it came from the token that held the lock',
      `token ${lock.token} of run ${lock.run} was committed over ${describe(was)}`,
    );
  const known = log.accepted.get(`${feed}.${episode}.${stage}.${lock.run}`);
  if (known === undefined) return null;
  return sentence(
    'A run of a stage has at most one accepted result',
    `run ${lock.run} was accepted from token ${known.token} and again from ${lock.token}`,
  );
};

const acceptedIsNeverForgotten: JobRule = (_log, { was, is }) => {
  const words = 'A result answered accepted is never forgotten';
  if (was.lock.state === 'committed') {
    const { token } = was.lock;
    const stays = is.lock.state === 'committed' && is.lock.token === token;
    if (!stays && is.done?.token !== token)
      return sentence(words, `committed token ${token} became ${describe(is)}`);
  }
  if (was.done === null) return null;
  if (is.done?.run === was.done.run && is.done.token === was.done.token) return null;
  if (is.done === null || is.done.run <= was.done.run)
    return sentence(words, `${describe(was)} became ${describe(is)}`);
  return null;
};

const onlyWhatWasCommittedIsDone: JobRule = (_log, { was, is }) => {
  if (is.done === null || is.done.run === was.done?.run) return null;
  const { lock } = was;
  if (lock.state === 'committed' && lock.token === is.done.token && lock.run === is.done.run)
    return lock.manifest.sha256 === is.done.manifest.sha256
      ? null
      : sentence('Only the done record follows a commit', 'its manifest is another one');
  return sentence('Only what was committed is done', `${describe(was)} became ${describe(is)}`);
};

const aHeldLockExcludes: JobRule = (_log, { was, is, beforeRevision, sender }) => {
  const { lock } = is;
  if (lock.state !== 'held') return null;
  if (was.lock.state === 'held' && was.lock.token === lock.token) return null;
  const by = sender?.process.name ?? 'operator';
  if (was.lock.state !== 'free')
    return sentence('Two leaders cannot both give one job', `${by} gave ${describe(was)} anew`);
  return lock.token === beforeRevision
    ? null
    : sentence(
        'A token is the revision that the assigning CAS expected',
        `token ${lock.token} was given over revision ${beforeRevision}`,
      );
};

const deadOnlyForCause: JobRule = (log, { feed, episode, stage, was, is }) => {
  const failures = 'failures' in is.lock ? is.lock.failures : 0;
  const before = 'failures' in was.lock ? was.lock.failures : 0;
  if (failures <= before) return null;
  const known = allEpisodes(log.world).find((one) => one.feed === feed && one.episode === episode);
  if (stage === 'download' && (known?.downloadFailures ?? 0) > 0) return null;
  return sentence(
    'A failure is counted only for what failed',
    `${describe(was)} became ${describe(is)}`,
  );
};

const lossesAreCounted: JobRule = (log, change) => {
  const { feed, episode, stage, was, is, before } = change;
  if (was.lock.state !== 'held' || (is.lock.state !== 'free' && is.lock.state !== 'dead'))
    return null;
  const { lock } = was;
  const id = `${before?.cluster}.${feed}.${episode}.${stage}.${lock.token}`;
  // The holder gave it back, or said goodbye: nobody was lost.
  if (log.reported.has(id) || log.goodbyes.has(`${lock.agent}.${lock.session}`)) return null;
  // People took it back.
  const isDrain = is.lock.reason?.includes('drain') === true && log.drained.has(lock.agent);
  if (isDrain && is.lock.lostBy.length === lock.lostBy.length) return null;
  if (is.lock.failures > lock.failures) return null;
  return is.lock.lostBy.length === lock.lostBy.length + 1 && is.lock.lostBy.at(-1) === lock.agent
    ? null
    : sentence('Losses are counted apart from failures', `${describe(was)} became ${describe(is)}`);
};

const aFinishedResultIsNotThrownAway: JobRule = (log, change) => {
  const { feed, episode, stage, was, is, before, sender } = change;
  if (was.lock.state !== 'held' || (is.lock.state !== 'free' && is.lock.state !== 'dead'))
    return null;
  if (before === null || sender === null) return null;
  const folder = folderOf(before.cluster, feed, episode, stage, was.lock.token);
  const finishedMs = log.finishedMs.get(folder);
  if (finishedMs === undefined) return null;
  const id = `${before.cluster}.${feed}.${episode}.${stage}.${was.lock.token}`;
  const handedOverMs = log.handedOver.get(id) ?? Number.POSITIVE_INFINITY;
  const wasPaused = sender.process.pausedMs > 0;
  const withinMs =
    handedOverMs <= sender.sentMs
      ? HANDED_OVER_MS
      : wasPaused
        ? LOOKED_WITHIN_PAUSED_MS
        : LOOKED_WITHIN_MS;
  if (sender.sentMs - finishedMs < withinMs) return null;
  return sentence(
    'A finished result is judged before its lock is revoked',
    `${folder} was complete ${sender.sentMs - finishedMs} ms before ${describe(was)} became ${describe(is)}`,
  );
};

const runsAreDoneInOrder: JobRule = (_log, { was, is }) => {
  if (is.wanted < was.wanted)
    return sentence(
      'What was asked for is never forgotten',
      `${was.wanted} runs became ${is.wanted}`,
    );
  return (is.done?.run ?? 0) <= is.wanted
    ? null
    : sentence('No more runs are done than were asked for', describe(is));
};

/** In the order of architecture.md. */
export const JOB_RULES: { readonly [name: string]: JobRule } = {
  aRunHasOneAcceptedResult,
  acceptedIsNeverForgotten,
  onlyWhatWasCommittedIsDone,
  aHeldLockExcludes,
  deadOnlyForCause,
  lossesAreCounted,
  aFinishedResultIsNotThrownAway,
  runsAreDoneInOrder,
};

/** A session that is alive is not declared lost by a coordinator that has led for less than one TTL. */
export function* aLiveSessionIsNotLostEarly(
  log: Recorder,
  { agent, before, after, session, sender }: SessionChange,
  lostAfterMs: number,
): Generator<string> {
  if (after.state !== 'lost' || before?.state === 'lost' || sender === null) return;
  const reign = log.reigns.get(sender.process);
  const ledMs = reign === undefined ? 0 : sender.monotonicMs - reign.beganMs;
  if (ledMs < lostAfterMs)
    yield sentence(
      'A live session is not declared lost by a coordinator that has led for less than one TTL',
      `${sender.process.name} had led for ${ledMs} ms when it gave ${agent}/${session} up`,
    );
}

/** `accepted` is answered if, and only if, a commit is in the log; and once accepted, always accepted. */
export function* anAnswerIsWhatTheLogSays(
  log: Recorder,
  { cluster, job }: ResultMessage,
  answer: VerdictAnswer,
): Generator<string> {
  const name = `${job.feed}.${job.episode}.${job.stage}.${job.token}`;
  const accepted = log.accepted.get(`${job.feed}.${job.episode}.${job.stage}.${job.run}`);
  const isCommitted = accepted?.token === job.token && accepted.cluster === cluster;
  if (answer === 'accepted' && !isCommitted)
    yield sentence('Accepted is answered only for what is committed', `${name} is not in the log`);
  if (answer !== 'fenced' || cluster !== log.cluster) return;
  const before = log.answers.get(`${cluster}.${name}`);
  if (before === 'accepted')
    yield sentence('An accepted result is accepted again and again', `${name} was fenced later`);
  const row = log.jobs.get(`${job.feed}.${job.episode}`);
  if (row?.state.cluster !== cluster) return;
  const { lock, done } = row.state.stages[job.stage];
  const holds = (lock.state === 'held' || lock.state === 'committed') && lock.token === job.token;
  const isDone = done?.token === job.token && done.run === job.run;
  if (holds || isDone)
    yield sentence('A held token is never answered fenced', `${name} is ${lock.state}`);
}

export function judges(lostAfterMs: number): Judges {
  return {
    *job(log, change) {
      for (const stage of STAGES) {
        const was = change.before?.stages[stage];
        if (was === undefined) continue;
        const of = { ...change, stage, was, is: change.after.stages[stage] };
        for (const rule of Object.values(JOB_RULES)) {
          const wrong = rule(log, of);
          if (wrong !== null) yield `${wrong} (${change.feed}.${change.episode}.${stage})`;
        }
      }
    },
    session: (log, change) => aLiveSessionIsNotLostEarly(log, change, lostAfterMs),
    answer: anAnswerIsWhatTheLogSays,
  };
}

export function folderOf(
  cluster: ClusterId,
  feed: string,
  episode: string,
  stage: Stage,
  token: number,
): string {
  return stagingFolder(cluster, feed as FeedId, episode as EpisodeId, stage, token as Token);
}

function sentence(words: string, detail: string): string {
  return `${words}: ${detail}`;
}

function describe({ lock, done, wanted }: StageState): string {
  return JSON.stringify({ lock, done: done === null ? null : [done.run, done.token], wanted });
}
