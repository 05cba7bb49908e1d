import type { BookScore } from '@podctl/domain/books/book-score.ts';
import { type CordonState, isClosed } from '@podctl/domain/cordon.ts';
import { isGone } from '@podctl/domain/feed/polling.ts';
import type { FeedChoices } from '@podctl/domain/feed-choices.ts';
import { choicesOf } from '@podctl/domain/feed-record.ts';
import type { Gpu } from '@podctl/domain/gpu.ts';
import type { HostRules } from '@podctl/domain/host-state.ts';
import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import { slotsOf } from '@podctl/domain/session.ts';
import { ASIDE_STAGES, MAIN_STAGES, type Stage } from '@podctl/domain/stage.ts';
import { awaitedAgents, NO_SESSION } from './awaited-agent.ts';
import { bookScoreOf } from './book-score.ts';
import { audioSecondsLeft, audioSecondsLeftOf, type Forecast, forecast } from './forecast.ts';
import { locksHeldAhead } from './held-ahead.ts';
import { throttledHosts } from './host-view.ts';
import type { Liveness } from './liveness.ts';
import type { Progress } from './progress.ts';
import {
  type EpisodeRow,
  episodeRow,
  type FeedRow,
  type LockRow,
  type SessionRow,
  type Snapshot,
  wantedFeeds,
} from './snapshot.ts';
import { sumTallies, type Tally, withoutAhead } from './tally.ts';

/** Everything that the screens, the metrics and the API show is worked out here, from one snapshot at one moment. */
export interface Picture {
  readonly snapshot: Snapshot;
  readonly liveness: Liveness;
  readonly progress: Progress;
  readonly reports: ReadonlyMap<AgentId, AgentReport>;
  readonly limits: ViewLimits;
  /** What hosts may be asked; absent: as much as there is. */
  readonly hosts?: HostRules | undefined;
  /** By feed, how many transcriptions agents hold ahead; absent: none. */
  readonly ahead?: ReadonlyMap<FeedId, number> | undefined;
  readonly now: Moment;
}

/** One moment on both clocks. */
export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export interface ViewLimits {
  /** A feed with work left is stalled when nothing of it moved for this long. */
  readonly stalledAfterMs: number;
  /** A lock held for longer than this without progress is stale. */
  readonly staleAfterMs: number;
  /** Failed polls in a row after which a feed is failing. */
  readonly failingAfter: number;
}

/** What an agent's newest heartbeat says of itself. */
export interface AgentReport {
  readonly session: number;
  readonly engine: string;
  readonly problem: string | null;
  readonly draining?: boolean | undefined;
  readonly gpus?: readonly Gpu[] | undefined;
  readonly gpuProblem?: string | null | undefined;
  readonly engineChoice?: string | undefined;
  /** Transcriptions that it holds beyond its slots. */
  readonly ahead?: number | undefined;
  /** Tokens that it holds and has begun. */
  readonly begun?: ReadonlySet<number> | undefined;
}

export type FeedState = 'new' | 'active' | 'done' | 'stalled' | 'failing' | 'paused' | 'gone';

export interface FeedView {
  readonly id: FeedId;
  readonly url: string;
  readonly title: string;
  readonly state: FeedState;
  readonly tally: Tally;
  readonly books: BookScore;
  readonly choices: FeedChoices;
  /** Wall clock. */
  readonly stalledSinceMs: number | null;
  readonly lastSuccessMs: number | null;
  readonly problem: string;
  readonly forecast: Forecast;
}

export function feedView(picture: Picture, row: FeedRow): FeedView {
  const { record, tally, id } = row;
  const stalledSinceMs = stalledSince(picture, row);
  return {
    id,
    url: record?.url ?? '',
    title: record?.title ?? id,
    state: stateOf(picture, row, stalledSinceMs !== null),
    tally: withoutAhead(row, picture.ahead),
    books: bookScoreOf(row),
    choices: choicesOf(record),
    stalledSinceMs,
    lastSuccessMs: record?.lastSuccessMs ?? null,
    problem: record?.problem ?? '',
    forecast: forecast(
      audioSecondsLeft(tally),
      picture.progress.pace.ofFeed(id, picture.now.monotonicMs),
    ),
  };
}

/** Without the rest of the view: cheap enough to ask it of ten thousand feeds several times a second. */
export function feedState(picture: Picture, row: FeedRow): FeedState {
  return stateOf(picture, row, stalledSince(picture, row) !== null);
}

function stateOf(picture: Picture, { record, tally }: FeedRow, stalled: boolean): FeedState {
  if (left(tally) > 0 && choicesOf(record).paused) return 'paused';
  if (isGone(record?.polling)) return 'gone';
  if (record !== null && record.failures >= picture.limits.failingAfter) return 'failing';
  if (stalled) return 'stalled';
  if (left(tally) > 0) return 'active';
  if (record === null || record.lastSuccessMs === null) return 'new';
  return 'done';
}

/** Work left and no movement for long enough; wall-clock time since when. */
function stalledSince(picture: Picture, { id, tally, record }: FeedRow): number | null {
  // Resumed, it has the whole time again.
  if (left(tally) === 0 || choicesOf(record).paused) {
    picture.progress.rest(id);
    return null;
  }
  const { wallMs, monotonicMs } = picture.now;
  const stillMs = monotonicMs - picture.progress.stillSinceMs(id, monotonicMs);
  return stillMs >= picture.limits.stalledAfterMs ? wallMs - stillMs : null;
}

/** A feed is done, and moves or stalls, by what it waits for: a score that nobody works out holds up nothing. */
function left(tally: Tally): number {
  return MAIN_STAGES.reduce((sum, stage) => sum + tally.remaining[stage], 0);
}

export interface LockView extends LockRow {
  readonly stale: boolean;
  readonly progress: number;
  /** Wall clock; null when never since this coordinator started. */
  readonly lastProgressMs: number | null;
  /** Held ahead: it begins when its agent has a slot free. */
  readonly waiting: boolean;
  /** Wall clock; null when it was never seen to wait. */
  readonly begunMs: number | null;
  /** Empty when there is nothing to say. */
  readonly note: string;
}

/** In order of feed, episode and stage. */
export function lockViews(picture: Picture): LockView[] {
  const { wallMs, monotonicMs } = picture.now;
  // Until its agent says so itself, with its next heartbeat.
  const ahead = new Set([...locksHeldAhead(picture.snapshot, picture.reports).values()].flat());
  return [...picture.snapshot.locks]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, row]) => {
      const progress = picture.progress.of(id, row.lock.token);
      const stillMs =
        progress === null ? wallMs - row.lock.sinceMs : monotonicMs - progress.movedAtMs;
      return {
        ...row,
        stale: stillMs > picture.limits.staleAfterMs,
        progress: progress?.progress ?? 0,
        lastProgressMs: progress === null ? null : wallMs - stillMs,
        waiting: progress?.waiting ?? ahead.has(row),
        begunMs: picture.progress.begunMs(id, row.lock.token, picture.now),
        note: progress?.note ?? '',
      };
    });
}

/**
 * draining  it ends what it holds: by itself, as it is being stopped, or since somebody drains it
 * cordoned  it is given no new work; what it holds goes on
 * drained   it was drained, and idles until it is uncordoned
 */
export type AgentWord = SessionRow['record']['state'] | 'draining' | 'cordoned' | 'drained';

/** A job that an agent works on. */
export interface AgentJob extends LockView {
  /** Of what is transcribed; null where that is not known. */
  readonly audioSeconds: number | null;
}

export interface AgentView extends SessionRow {
  readonly word: AgentWord;
  /** Null while it is given work. Also of an agent that is lost or gone: it holds when it comes back. */
  readonly cordon: CordonState | null;
  readonly engine: string;
  readonly problem: string;
  /** Of a live agent only: nobody knows how those of another one are. */
  readonly gpus: readonly Gpu[];
  readonly gpuProblem: string;
  /** Empty when it is not told. */
  readonly engineChoice: string;
  /** Wall clock; null when not heard since this coordinator started. */
  readonly lastHeartbeatMs: number | null;
  readonly jobs: readonly AgentJob[];
}

/** In order of id; also whom people keep from work who never said hello, with no session. */
export function agentViews(picture: Picture): AgentView[] {
  const jobs = Map.groupBy(lockViews(picture), ({ lock }) => lock.agent);
  const { wallMs, monotonicMs } = picture.now;
  const { sessions } = picture.snapshot;
  return [...sessions.values(), ...awaitedAgents(picture.snapshot)]
    .sort((a, b) => (a.record.agent < b.record.agent ? -1 : 1))
    .map((row) => {
      const { agent } = row.record;
      const heardAtMs = picture.liveness.heardAtMs(agent, row.session);
      const report = picture.reports.get(agent);
      const current = report?.session === row.session ? report : undefined;
      const alive = row.record.state === 'live' ? current : undefined;
      return {
        ...row,
        engine: current?.engine ?? row.record.engine,
        problem: current?.problem ?? '',
        word: agentWord(picture, row),
        cordon: cordonOf(picture, agent),
        gpus: alive?.gpus ?? [],
        gpuProblem: alive?.gpuProblem ?? '',
        engineChoice: alive?.engineChoice ?? '',
        lastHeartbeatMs: heardAtMs === null ? null : wallMs - (monotonicMs - heardAtMs),
        jobs: (jobs.get(agent) ?? [])
          .filter(({ lock }) => lock.state === 'held')
          .map((job) => ({ ...job, audioSeconds: audioSecondsOf(picture.snapshot, job) })),
      };
    });
}

function cordonOf({ snapshot }: Picture, agent: AgentId): CordonState | null {
  const record = snapshot.cordons.get(agent)?.record;
  return isClosed(record) ? record : null;
}

function agentWord(picture: Picture, { record, session }: SessionRow): AgentWord {
  if (session === NO_SESSION) return cordonWord(picture, record.agent) ?? 'gone';
  if (record.state !== 'live') return record.state;
  const report = picture.reports.get(record.agent);
  if (report?.session === session && report.draining === true) return 'draining';
  return cordonWord(picture, record.agent) ?? 'live';
}

function cordonWord(picture: Picture, agent: AgentId): AgentWord | null {
  const kind = cordonOf(picture, agent)?.kind ?? 'open';
  return kind === 'open' ? null : kind;
}

/** Of a row, which never changes: to read its state takes longer than all else that is shown of a job. */
const audioSecondsKnown = new WeakMap<EpisodeRow, number | null>();

function audioSecondsOf(snapshot: Snapshot, { feed, episode, stage }: LockRow): number | null {
  const row = stage === 'transcribe' ? episodeRow(snapshot, feed, episode) : null;
  if (row === null) return null;
  const known = audioSecondsKnown.get(row);
  if (known !== undefined) return known;
  const audioSeconds = row.state.stages.download.done?.manifest.audioSeconds ?? null;
  audioSecondsKnown.set(row, audioSeconds);
  return audioSeconds;
}

/** Why nothing can go on, when every live agent takes no work, by what it says or by what people decided; else empty. */
export function fleetProblem(picture: Picture): string {
  const { snapshot, reports } = picture;
  const live = [...snapshot.sessions.values()].filter(({ record }) => record.state === 'live');
  const told = live.map(({ record, session }) => {
    const report = reports.get(record.agent);
    const cordon = cordonOf(picture, record.agent);
    const out =
      cordon === null ? null : `it is ${cordon.kind}; podctl agent uncordon gives it work again`;
    return (report?.session === session ? report.problem : null) ?? out;
  });
  const [first] = told;
  if (first === undefined || first === null || told.includes(null)) return '';
  return `agent ${live[0]?.record.agent} takes no work: ${first}`;
}

export interface Totals {
  readonly asOfMs: number;
  readonly revision: number;
  readonly feeds: number;
  readonly feedsRead: number;
  readonly feedsStalled: number;
  readonly feedsFailing: number;
  readonly tally: Tally;
  readonly agentsLive: number;
  /** Of the live ones. */
  readonly agentsDraining: number;
  /** Of the live ones: cordoned, or drained. */
  readonly agentsCordoned: number;
  readonly agentsLost: number;
  readonly locksStale: number;
  /** Of what may begin: paused feeds wait for a person. */
  readonly forecast: Forecast;
  /** None of paused feeds, and none of aside stages. */
  readonly jobsWaiting: number;
  /** Jobs left, running ones among them, of the aside stages that an agent has slots for; none of paused feeds. */
  readonly asideLeft: number;
  readonly hostsThrottled: number;
}

/** `rows` and `states`: the wanted feeds and how each is, for who worked them out already. */
export function totals(
  picture: Picture,
  rows: readonly FeedRow[] = wantedFeeds(picture.snapshot),
  states: readonly FeedState[] = rows.map((row) => feedState(picture, row)),
): Totals {
  const { snapshot, now } = picture;
  const sessions = [...snapshot.sessions.values()];
  const words = sessions.map((row) => agentWord(picture, row));
  const tally = sumTallies(rows.map((row) => withoutAhead(row, picture.ahead)));
  const open = rows.filter(({ record }) => !choicesOf(record).paused);
  return {
    asOfMs: now.wallMs,
    revision: snapshot.revision,
    feeds: rows.length,
    feedsRead: rows.filter(({ record }) => record !== null && record.lastSuccessMs !== null).length,
    feedsStalled: states.filter((state) => state === 'stalled').length,
    feedsFailing: states.filter((state) => state === 'failing').length,
    tally,
    agentsLive: sessions.filter(({ record }) => record.state === 'live').length,
    agentsDraining: words.filter((word) => word === 'draining').length,
    agentsCordoned: words.filter((word) => word === 'cordoned' || word === 'drained').length,
    agentsLost: sessions.filter(({ record }) => record.state === 'lost').length,
    locksStale: lockViews(picture).filter(({ stale }) => stale).length,
    forecast: forecast(
      audioSecondsLeftOf(open, tally),
      picture.progress.pace.ofFleet(now.monotonicMs),
    ),
    asideLeft: asideLeft(snapshot, open),
    jobsWaiting: MAIN_STAGES.reduce((sum, stage) => sum + waitingJobs(open, stage), 0),
    hostsThrottled: throttledHosts(snapshot, now.wallMs),
  };
}

/** What no agent has slots for is not waited for: nobody may ever have. */
function asideLeft({ sessions }: Snapshot, rows: readonly FeedRow[]): number {
  const live = [...sessions.values()].filter(({ record }) => record.state === 'live');
  return ASIDE_STAGES.filter((stage) =>
    live.some(({ record }) => slotsOf(record.slots, stage) > 0),
  ).reduce((sum, stage) => sum + rows.reduce((all, row) => all + row.tally.remaining[stage], 0), 0);
}

/** Jobs wanted that nobody works on. */
export function waitingJobs(rows: readonly FeedRow[], stage: Stage): number {
  return rows.reduce((sum, { tally }) => sum + tally.remaining[stage] - tally.running[stage], 0);
}
