import { isClosed } from '@podctl/domain/cordon.ts';
import { choicesOf, mayBegin } from '@podctl/domain/feed-record.ts';
import { type AgentId, type EpisodeId, isSession } from '@podctl/domain/ids.ts';
import { isCanary } from '@podctl/domain/retry.ts';
import { slotsOf } from '@podctl/domain/session.ts';
import { byStage, STAGES, type Stage } from '@podctl/domain/stage.ts';
import { bookScoreOf } from './book-score.ts';
import type { Candidate, PlannedAgent, PlannedFeed, PlanView } from './plan.ts';
import type { FeedRow, LockRow, Snapshot } from './snapshot.ts';
import type { AgentReport } from './view.ts';

/** Reads what a plan needs out of the snapshot: feeds with something ready that an agent is free for, whose heads are read as far as the plan needs them. */
export function planView(
  snapshot: Snapshot,
  reports: ReadonlyMap<AgentId, AgentReport>,
  nowMs: number,
): PlanView {
  const agents = plannedAgents(snapshot, reports);
  const free = STAGES.filter((stage) =>
    agents.some(({ slots, running: busy }) => slotsOf(slots, stage) > busy[stage]),
  );
  // The usual case of a busy fleet: nothing could be given, so nothing is looked at.
  const running = runningOf([...snapshot.locks.values()]);
  if (free.length === 0) return { feeds: [], agents, running };
  const feeds = [...snapshot.feeds.values()]
    .filter(({ ready, record }) => mayBegin(record) && free.some((stage) => ready[stage].size > 0))
    .map((row) => plannedFeed(row, nowMs));
  return { feeds, agents, running };
}

function plannedFeed(row: FeedRow, nowMs: number): PlannedFeed {
  const { priority, first } = choicesOf(row.record);
  const urgent = byStage((stage) => urgentCandidates(row, first, stage, nowMs));
  const heads = (stage: Stage) =>
    first.length === 0
      ? dueCandidates(row, stage, nowMs)
      : urgentFirst(urgent[stage], dueCandidates(row, stage, nowMs));
  return {
    feed: row.id,
    priority,
    bookScore: bookScoreOf(row).score,
    remaining: row.tally.remaining,
    running: row.tally.running,
    downloads: row.ready.download.size > 0,
    urgent: byStage((stage) => urgent[stage].length),
    heads: byStage(heads),
  };
}

function urgentCandidates(
  row: FeedRow,
  first: readonly EpisodeId[],
  stage: Stage,
  nowMs: number,
): Candidate[] {
  return first
    .filter((episode) => row.ready[stage].has(episode))
    .map((episode) => dueCandidate(row, episode, stage, nowMs))
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

function* dueCandidates(row: FeedRow, stage: Stage, nowMs: number): Generator<Candidate> {
  const late = stage === 'download' ? (row.vanished ?? NONE) : NONE;
  for (const episode of latesLast(row.ready[stage], late)) {
    const candidate = dueCandidate(row, episode, stage, nowMs);
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
  nowMs: number,
): Candidate | null {
  const known = row.episodes.get(episode);
  const lock = known?.state.stages[stage].lock;
  if (known === undefined || lock?.state !== 'free' || lock.notBeforeMs > nowMs) return null;
  return { episode, revision: known.revision, lostBy: lock.lostBy };
}

function plannedAgents(
  snapshot: Snapshot,
  reports: ReadonlyMap<AgentId, AgentReport>,
): PlannedAgent[] {
  const locks = Map.groupBy(snapshot.locks.values(), ({ lock }) => lock.agent);
  const agents: PlannedAgent[] = [];
  for (const { record, session } of snapshot.sessions.values()) {
    // A session of another world ends: its agent says hello again.
    if (record.state !== 'live' || record.cluster !== snapshot.cluster || !isSession(session))
      continue;
    if (isClosed(snapshot.cordons.get(record.agent)?.record)) continue;
    const report = reports.get(record.agent);
    // It says itself that it cannot work (another library, a full disk), or that it drains: what it is given would only come back.
    const isUnfit = report?.problem != null || report?.draining === true;
    if (report?.session === session && isUnfit) continue;
    const held = (locks.get(record.agent) ?? []).filter(({ lock }) => lock.state === 'held');
    agents.push({
      agent: record.agent,
      session,
      slots: record.slots,
      running: runningOf(held),
      runsCanary: held.some(({ lock }) => isCanary(lock.lostBy)),
    });
  }
  return agents.sort((a, b) => compareIds(a.agent, b.agent));
}

function runningOf(locks: readonly LockRow[]) {
  return byStage((stage) => locks.filter((row) => row.stage === stage).length);
}

function compareIds(a: AgentId, b: AgentId): number {
  return a < b ? -1 : Number(a > b);
}
