import type {
  DeadLock,
  Done,
  EndedByHand,
  Lock,
  StageState,
} from '@podctl/domain/episode-state.ts';
import type { FeedPurge } from '@podctl/domain/feed-purge.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import type { AgentId, EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import type { EpisodeRow, SessionRow } from './snapshot.ts';

export const EVENT_TYPES = [
  'feed_added',
  'feed_read',
  'feed_failed',
  'job_assigned',
  'job_done',
  'job_retry',
  'job_requeued',
  'job_dead',
  'job_canceled',
  'episode_skipped',
  'agent_joined',
  'agent_left',
  'agent_lost',
  'agent_cordoned',
  'agent_uncordoned',
  'agent_draining',
  'agent_drained',
  'result_fenced',
  'library',
  'host_cooling',
  'host_recovered',
  'audio_removed',
  'feed_purging',
  'feed_purged',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** A newer version may know others. */
export function isEventType(word: string): word is EventType {
  return (EVENT_TYPES as readonly string[]).includes(word);
}

/** Something that happened, as told by a change of the state. */
export interface FleetEvent {
  readonly type: EventType;
  readonly feed: FeedId | null;
  readonly episode: EpisodeId | null;
  readonly stage: Stage | null;
  readonly agent: AgentId | null;
  /** One line. */
  readonly message: string;
}

/** When a job was seen to begin that was held ahead before: wall clock; null for any other. */
export type BegunMs = (row: EpisodeRow, stage: Stage, token: number) => number | null;

/** What the change of an episode's value tells. A new episode tells nothing by itself: its feed does. */
export function eventsOfEpisode(
  before: EpisodeRow | null,
  after: EpisodeRow,
  nowMs: number,
  begunMs: BegunMs = () => null,
): FleetEvent[] {
  if (before === null) return [];
  // Each reading works the whole value out.
  const [wasAll, isAll] = [before.state.stages, after.state.stages];
  return STAGES.flatMap((stage) => {
    const was = wasAll[stage];
    const is = isAll[stage];
    const sinceMs = 'token' in was.lock ? begunMs(after, stage, was.lock.token) : null;
    return eventsOfStage(was, is, after, stage, { nowMs, sinceMs });
  });
}

function eventsOfStage(
  was: StageState,
  is: StageState,
  after: EpisodeRow,
  stage: Stage,
  { nowMs, sinceMs }: { readonly nowMs: number; readonly sinceMs: number | null },
): FleetEvent[] {
  const accepted = acceptedRun(is);
  // By its run, which has one result: after a restore two runs may have tokens of one number.
  if (accepted !== null && accepted.run !== acceptedRun(was)?.run) {
    // The tail tells the newest value only: the attempt may never have been seen here.
    const seen = 'token' in was.lock && was.lock.token === accepted.token ? was.lock : null;
    const message = doneMessage(stage, accepted.manifest, seen && (sinceMs ?? seen.sinceMs), nowMs);
    return [jobEvent('job_done', after, stage, seen?.agent ?? null, message)];
  }
  if (is.done?.audio === 'going' && was.done?.audio === undefined)
    return [jobEvent('audio_removed', after, stage, null, removedMessage(is.done))];
  if (was.lock === is.lock) return [];
  return eventOfLock(was.lock, is.lock, after, stage);
}

/**
 * The newest run whose result is accepted for good, by a commit or the done pointer that follows. It is told by the first
 * of them: a commit frees the slot, so what is assigned to the slot is told after it.
 */
function acceptedRun({ lock, done }: StageState): Pick<Done, 'run' | 'token' | 'manifest'> | null {
  return lock.state === 'committed' ? lock : done;
}

function eventOfLock(was: Lock, is: Lock, row: EpisodeRow, stage: Stage): FleetEvent[] {
  if (is.state === 'held' && !(was.state === 'held' && was.token === is.token))
    return [
      jobEvent(
        'job_assigned',
        row,
        stage,
        is.agent,
        `attempt ${is.failures + is.lostBy.length + 1}`,
      ),
    ];
  if (is.state === 'dead') return eventOfEnd(was, is, row, stage);
  if (is.state === 'free' && was.state === 'held') {
    const type = is.failures > was.failures ? 'job_retry' : 'job_requeued';
    return [jobEvent(type, row, stage, was.agent, is.reason ?? 'taken back')];
  }
  return [];
}

/** Given up: once for each reason of a run, since what is dead may still be skipped. */
function eventOfEnd(was: Lock, is: DeadLock, row: EpisodeRow, stage: Stage): FleetEvent[] {
  if (was.state === 'dead' && was.run === is.run && was.ended === is.ended) return [];
  const type = is.ended === undefined ? 'job_dead' : UNWANTED[is.ended];
  return [jobEvent(type, row, stage, holder(was), is.reason)];
}

const UNWANTED: { readonly [E in EndedByHand]: EventType } = {
  skipped: 'episode_skipped',
  canceled: 'job_canceled',
};

function removedMessage({ manifest }: Done): string {
  return `${(manifest.bytes / 1e6).toFixed(1)} MB need not be kept (keepAudio)`;
}

/** @param weight its recommendations, weighted. */
function scoreMessage(weight: number | undefined): string {
  if (weight === undefined) return 'its language is not read for books';
  return weight === 0 ? 'no book recommended' : `books recommended: ${weight.toFixed(1)} by weight`;
}

/** How much came of it, and how fast where its beginning is known. */
function doneMessage(
  stage: Stage,
  manifest: Done['manifest'],
  sinceMs: number | null,
  nowMs: number,
): string {
  if (stage === 'score') return scoreMessage(manifest.figure);
  const audioSeconds = manifest.audioSeconds ?? 0;
  const audio = `${Math.round(audioSeconds)} s of audio`;
  if (stage === 'download') return `${(manifest.bytes / 1e6).toFixed(1)} MB, ${audio}`;
  if (sinceMs === null) return audio;
  const seconds = Math.max(0.1, (nowMs - sinceMs) / 1_000);
  const speed = `${(audioSeconds / seconds).toFixed(1)}x`;
  return `${audio} in ${seconds.toFixed(1)} s (${speed})`;
}

export function eventsOfSession(before: SessionRow | null, after: SessionRow): FleetEvent[] {
  const { agent, state, host, engine } = after.record;
  if (before?.session === after.session && before.record.state === state) return [];
  const of = { feed: null, episode: null, stage: null, agent };
  switch (state) {
    case 'live':
      return [
        {
          ...of,
          type: 'agent_joined',
          message: `from ${host}${engine === '' ? '' : `, ${engine}`}`,
        },
      ];
    case 'lost':
      return [{ ...of, type: 'agent_lost', message: 'it fell silent; its jobs are taken back' }];
    case 'gone':
      return [{ ...of, type: 'agent_left', message: 'it left, or was put out' }];
  }
}

export function eventsOfFeed(before: FeedRecord | null, after: FeedRecord): FleetEvent[] {
  const of = { feed: after.feed, episode: null, stage: null, agent: null };
  const name = after.title ?? after.feed;
  if (before === null) return [{ ...of, type: 'feed_added', message: name }];
  const purge = newPurge(before, after);
  if (purge !== null) {
    const type = purge.state === 'wanted' ? 'feed_purging' : 'feed_purged';
    return [{ ...of, type, message: purgeMessage(name, purge) }];
  }
  if (after.failures > before.failures)
    return [{ ...of, type: 'feed_failed', message: after.problem ?? 'it could not be read' }];
  const firstRead = after.lastSuccessMs !== null && before.lastSuccessMs === null;
  const read = after.lastSuccessMs !== before.lastSuccessMs && after.listed !== before.listed;
  if (firstRead || read)
    return [{ ...of, type: 'feed_read', message: `${name}: ${after.listed} episodes listed` }];
  return [];
}

/** Another than before: begun, done, or asked for again after a backup was restored. */
function newPurge({ purge: was }: FeedRecord, { purge: is }: FeedRecord): FeedPurge | null {
  if (is === undefined) return null;
  return is.state === was?.state && is.cluster === was.cluster ? null : is;
}

function purgeMessage(name: string, { state, files, bytes }: FeedPurge): string {
  const what = `${files} ${files === 1 ? 'file' : 'files'}, ${(bytes / 1e6).toFixed(1)} MB`;
  return `${name}: ${what} ${state === 'wanted' ? 'go' : 'are gone'}`;
}

function jobEvent(
  type: EventType,
  row: EpisodeRow,
  stage: Stage,
  agent: AgentId | null,
  message: string,
): FleetEvent {
  return { type, feed: row.feed, episode: row.episode, stage, agent, message };
}

function holder(lock: Lock): AgentId | null {
  return lock.state === 'held' || lock.state === 'committed' ? lock.agent : null;
}
