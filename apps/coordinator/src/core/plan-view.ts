import { isClosed } from '@podctl/domain/cordon.ts';
import { choicesOf, mayBegin } from '@podctl/domain/feed-record.ts';
import { type AgentId, type EpisodeId, isSession } from '@podctl/domain/ids.ts';
import { isCanary } from '@podctl/domain/retry.ts';
import { slotsOf } from '@podctl/domain/session.ts';
import { byStage, STAGES, type Stage } from '@podctl/domain/stage.ts';
import { bookScoreOf } from './book-score.ts';
import { aheadByFeed, hasRoomAhead, locksHeldAhead } from './held-ahead.ts';
import type { Candidate, PlannedAgent, PlannedFeed, PlanView } from './plan.ts';
import { mayBeHeldAhead } from './plan-ahead.ts';
import type { FeedRow, LockRow, Snapshot } from './snapshot.ts';
import type { AgentReport } from './view.ts';

/** The agents with which a stage of an episode failed. */
export type FailedWith = (episode: EpisodeId, stage: Stage) => readonly AgentId[];

/** Reads what a plan needs out of the snapshot: feeds with something ready that an agent has room for, whose heads are read as far as the plan needs them. */
export function planView(
  snapshot: Snapshot,
  reports: ReadonlyMap<AgentId, AgentReport>,
  nowMs: number,
  failedWith: FailedWith = () => [],
): PlanView {
  const ahead = locksHeldAhead(snapshot, reports);
  const agents = plannedAgents(snapshot, reports, ahead);
  const free = STAGES.filter((stage) =>
    agents.some(
      (agent) =>
        slotsOf(agent.slots, stage) > agent.running[stage] ||
        (stage === 'transcribe' && hasRoomAhead(agent)),
    ),
  );
  const running = runningOf(
    [...snapshot.locks.values()],
    [...ahead.values()].reduce((sum, locks) => sum + locks.length, 0),
  );
  const waiting = aheadByFeed(ahead);
  // What somebody asked for goes before what is held ahead. Else, as usual in a busy fleet, nothing could be given.
  const stagesOf = (row: FeedRow) =>
    ahead.size > 0 && choicesOf(row.record).first.length > 0 ? STAGES : free;
  const feeds = [...snapshot.feeds.values()]
    .filter(
      (row) => mayBegin(row.record) && stagesOf(row).some((stage) => row.ready[stage].size > 0),
    )
    .map((row) => plannedFeed(row, { nowMs, failedWith }, waiting.get(row.id) ?? 0));
  return { feeds, agents, running };
}

interface Look {
  readonly nowMs: number;
  readonly failedWith: FailedWith;
}

/** Of most feeds, and of ten thousand of them in each plan. */
const NOTHING_URGENT = byStage((): readonly Candidate[] => []);
const NONE_URGENT = byStage(() => 0);

function plannedFeed(row: FeedRow, look: Look, ahead: number): PlannedFeed {
  const { priority, first } = choicesOf(row.record);
  const isAsked = first.length > 0;
  const urgent = isAsked
    ? byStage((stage) => urgentCandidates(row, first, stage, look))
    : NOTHING_URGENT;
  const heads = (stage: Stage) =>
    isAsked
      ? urgentFirst(urgent[stage], dueCandidates(row, stage, look))
      : dueCandidates(row, stage, look);
  return {
    feed: row.id,
    priority,
    bookScore: bookScoreOf(row).score,
    remaining: row.tally.remaining,
    running: { ...row.tally.running, transcribe: row.tally.running.transcribe - ahead },
    ahead,
    downloads: row.ready.download.size > 0,
    transcriptions: row.ready.transcribe.size > 0,
    urgent: isAsked ? byStage((stage) => urgent[stage].length) : NONE_URGENT,
    urgentAhead: isAsked ? urgent.transcribe.filter(mayBeHeldAhead).length : 0,
    heads: byStage(heads),
  };
}

function urgentCandidates(
  row: FeedRow,
  first: readonly EpisodeId[],
  stage: Stage,
  look: Look,
): Candidate[] {
  return first
    .filter((episode) => row.ready[stage].has(episode))
    .map((episode) => dueCandidate(row, episode, stage, look))
    .filter((candidate) => candidate !== null);
}

function* urgentFirst(
  urgent: readonly Candidate[],
  others: Iterable<Candidate>,
): Generator<Candidate> {
  const told = new Set(urgent.map(({ episode }) => episode));
  yield* urgent;
  for (const candidate of others) if (!told.has(candidate.episode)) yield candidate;
}

function* dueCandidates(row: FeedRow, stage: Stage, look: Look): Generator<Candidate> {
  const late = stage === 'download' ? (row.vanished ?? NONE) : NONE;
  for (const episode of latesLast(row.ready[stage], late)) {
    const candidate = dueCandidate(row, episode, stage, look);
    if (candidate !== null) yield candidate;
  }
}

/** A URL that the feed gives no more may still work: it is tried, after all that the feed does list. */
function* latesLast(
  ready: ReadonlySet<EpisodeId>,
  late: ReadonlySet<EpisodeId>,
): Generator<EpisodeId> {
  for (const episode of ready) if (!late.has(episode)) yield episode;
  if (late.size === 0) return;
  for (const episode of ready) if (late.has(episode)) yield episode;
}

const NONE: ReadonlySet<EpisodeId> = new Set();

function dueCandidate(
  row: FeedRow,
  episode: EpisodeId,
  stage: Stage,
  look: Look,
): Candidate | null {
  const known = row.episodes.get(episode);
  const lock = known?.state.stages[stage].lock;
  if (known === undefined || lock?.state !== 'free' || lock.notBeforeMs > look.nowMs) return null;
  const at = { episode, revision: known.revision, lostBy: lock.lostBy };
  if (lock.failures === 0) return at;
  return { ...at, failedWith: look.failedWith(episode, stage) };
}

function plannedAgents(
  snapshot: Snapshot,
  reports: ReadonlyMap<AgentId, AgentReport>,
  ahead: ReadonlyMap<AgentId, readonly LockRow[]>,
): PlannedAgent[] {
  const locks = Map.groupBy(snapshot.locks.values(), ({ lock }) => lock.agent);
  const agents: PlannedAgent[] = [];
  for (const { record, session } of snapshot.sessions.values()) {
    // A session of another world ends: its agent says hello again.
    if (record.state !== 'live' || record.cluster !== snapshot.cluster || !isSession(session))
      continue;
    if (isClosed(snapshot.cordons.get(record.agent)?.record)) continue;
    const told = reports.get(record.agent);
    const report = told?.session === session ? told : undefined;
    // It says itself that it cannot work (another library, a full disk), or that it drains: what it is given would only come back.
    if (isUnfit(report)) continue;
    const held = (locks.get(record.agent) ?? []).filter(({ lock }) => lock.state === 'held');
    const waiting = ahead.get(record.agent) ?? [];
    agents.push({
      agent: record.agent,
      session,
      slots: record.slots,
      running: runningOf(held, waiting.length),
      ...aheadOf(report, held, waiting),
      runsCanary: held.some(({ lock }) => isCanary(lock.lostBy)),
    });
  }
  return agents.sort((a, b) => compareIds(a.agent, b.agent));
}

function isUnfit(report: AgentReport | undefined): boolean {
  return (report?.problem ?? null) !== null || report?.draining === true;
}

function aheadOf(
  report: AgentReport | undefined,
  held: readonly LockRow[],
  waiting: readonly LockRow[],
): Pick<PlannedAgent, 'ahead'> {
  const max = report?.ahead ?? 0;
  if (max === 0) return {};
  const running = held.filter((row) => row.stage === 'transcribe' && !waiting.includes(row));
  const worksOn = running.map(({ feed }) => feed);
  return { ahead: { max, waiting: waiting.length, worksOn } };
}

function runningOf(locks: readonly LockRow[], waiting: number) {
  const running = byStage((stage) => locks.filter((row) => row.stage === stage).length);
  return { ...running, transcribe: running.transcribe - waiting };
}

function compareIds(a: AgentId, b: AgentId): number {
  return a < b ? -1 : Number(a > b);
}
