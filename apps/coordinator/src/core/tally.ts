import {
  addBooks,
  addBookTally,
  type BookTally,
  emptyBookTally,
} from '@podctl/domain/books/book-score.ts';
import { hasResult } from '@podctl/domain/episode-move.ts';
import { type EpisodeState, keptRun, type Lock } from '@podctl/domain/episode-state.ts';
import type { FeedId } from '@podctl/domain/ids.ts';
import { isCanary } from '@podctl/domain/retry.ts';
import { byStage, MAIN_STAGES, STAGE_INPUT, STAGES, type Stage } from '@podctl/domain/stage.ts';

/** Counts over the episodes of a feed, kept by the fold so that nobody has to walk them. */
export interface Tally {
  episodes: number;
  /** With a stage given up that an episode is done with; what somebody skipped or canceled is not. */
  dead: number;
  /** What somebody skipped or canceled. */
  skipped: number;
  /** Jobs that somebody skipped or canceled, of whatever stage. */
  skippedJobs: number;
  /** Episodes whose work was lost with two agents or more: they may be what kills agents, unless nobody wants them. */
  killers: number;
  /** Episodes with a failure or a loss behind them that wait for their next attempt at what they are done with. */
  retrying: number;
  /** Jobs that wait so, of whatever stage. */
  retryingJobs: number;
  audioSeconds: number;
  audioSecondsTranscribed: number;
  /** What its scored episodes say of books. */
  readonly books: BookTally;
  /** Runs wanted, not done, and not dead; running ones are among them. */
  readonly remaining: { [S in Stage]: number };
  readonly running: { [S in Stage]: number };
  /** Jobs given up; skipped and canceled ones are not among them. */
  readonly deadJobs: { [S in Stage]: number };
  /** Episodes with a done run whose files were not purged. */
  readonly done: { [S in Stage]: number };
}

export function emptyTally(): Tally {
  const none = () => byStage(() => 0);
  return {
    episodes: 0,
    dead: 0,
    skipped: 0,
    skippedJobs: 0,
    killers: 0,
    retrying: 0,
    retryingJobs: 0,
    audioSeconds: 0,
    audioSecondsTranscribed: 0,
    books: emptyBookTally(),
    remaining: none(),
    running: none(),
    deadJobs: none(),
    done: none(),
  };
}

/** Adds (`times` 1) or takes away (−1) what one episode counts. */
export function addTally(tally: Tally, state: EpisodeState, times: 1 | -1): void {
  const stages = STAGES.map((stage) => state.stages[stage]);
  const audioSeconds = keptRun(state.stages.download)?.manifest.audioSeconds ?? 0;
  tally.episodes += times;
  const main = MAIN_STAGES.map((stage) => state.stages[stage]);
  if (main.some(({ lock }) => isGivenUp(lock))) tally.dead += times;
  if (main.some(({ lock }) => isUnwanted(lock))) tally.skipped += times;
  if (stages.some(({ lock }) => isCanary(lock.lostBy) && !isUnwanted(lock))) tally.killers += times;
  if (main.some(({ lock }) => isAwaited(lock))) tally.retrying += times;
  tally.audioSeconds += times * audioSeconds;
  if (keptRun(state.stages.transcribe) !== null)
    tally.audioSecondsTranscribed += times * audioSeconds;
  addBooks(tally.books, keptRun(state.stages.score)?.manifest ?? null, times);
  for (const stage of STAGES) addStage(tally, stage, state, times);
}

function addStage(tally: Tally, stage: Stage, { stages }: EpisodeState, times: 1 | -1) {
  const { lock, done, wanted } = stages[stage];
  if (keptRun(stages[stage]) !== null) tally.done[stage] += times;
  if (isGivenUp(lock)) tally.deadJobs[stage] += times;
  if (isUnwanted(lock)) tally.skippedJobs += times;
  if (isAwaited(lock)) tally.retryingJobs += times;
  if (lock.state === 'held' || lock.state === 'committed') tally.running[stage] += times;
  if ((done?.run ?? 0) < wanted && lock.state !== 'dead' && mayCome(stages, stage))
    tally.remaining[stage] += times;
}

/** Something went wrong with it, and its next attempt comes. */
function isAwaited(lock: Lock): boolean {
  return lock.state === 'free' && lock.failures + lock.lostBy.length > 0;
}

/** Somebody skipped or canceled it: nothing is wrong with it. */
export function isUnwanted(lock: Lock): boolean {
  return lock.state === 'dead' && lock.ended !== undefined;
}

export function isGivenUp(lock: Lock): boolean {
  return lock.state === 'dead' && lock.ended === undefined;
}

/** What a stage works on is there, or somebody may still bring it: after a dead download no transcription is left. */
function mayCome(stages: EpisodeState['stages'], stage: Stage): boolean {
  const input = STAGE_INPUT[stage];
  if (input === null || hasResult(stages[input])) return true;
  return stages[input].lock.state !== 'dead' && mayCome(stages, input);
}

/** What agents hold ahead has nobody who works on it: it waits. */
export function withoutAhead(
  { id, tally }: { readonly id: FeedId; readonly tally: Tally },
  ahead: ReadonlyMap<FeedId, number> = new Map(),
): Tally {
  const { running } = tally;
  const transcribe = Math.max(0, running.transcribe - (ahead.get(id) ?? 0));
  return { ...tally, running: { ...running, transcribe } };
}

/** The sum over feeds. */
export function sumTallies(tallies: Iterable<Tally>): Tally {
  const sum = emptyTally();
  for (const tally of tallies) {
    sum.episodes += tally.episodes;
    sum.dead += tally.dead;
    sum.skipped += tally.skipped;
    sum.skippedJobs += tally.skippedJobs;
    sum.killers += tally.killers;
    sum.retrying += tally.retrying;
    sum.retryingJobs += tally.retryingJobs;
    sum.audioSeconds += tally.audioSeconds;
    sum.audioSecondsTranscribed += tally.audioSecondsTranscribed;
    addBookTally(sum.books, tally.books);
    addStages(sum.remaining, tally.remaining);
    addStages(sum.running, tally.running);
    addStages(sum.deadJobs, tally.deadJobs);
    addStages(sum.done, tally.done);
  }
  return sum;
}

/** Field by field: a loop over the stages takes several times as long, for ten thousand feeds several times a second. */
function addStages(sum: { [S in Stage]: number }, more: { readonly [S in Stage]: number }): void {
  sum.download += more.download;
  sum.transcribe += more.transcribe;
  sum.score += more.score;
}
