import { Event_Type, type Event as EventMessage } from '@podctl/proto/podctl/v1/fleet.ts';
import { EVENT_TYPES, type EventType, isEventType } from '../core/event.ts';
import type { ArchivedEvent } from '../shell/event-archive.ts';
import { type EventOrigin, eventIdOf } from '../shell/event-record.ts';
import type { LoggedEvent } from '../shell/fleet.ts';
import { stageMessage } from './stage-map.ts';
import { dateOf } from './time-map.ts';

const types: { readonly [T in EventType]: Event_Type } = {
  feed_added: Event_Type.FEED_ADDED,
  feed_read: Event_Type.FEED_READ,
  feed_failed: Event_Type.FEED_FAILED,
  job_assigned: Event_Type.JOB_ASSIGNED,
  job_done: Event_Type.JOB_DONE,
  job_retry: Event_Type.JOB_RETRY,
  job_requeued: Event_Type.JOB_REQUEUED,
  job_dead: Event_Type.JOB_DEAD,
  job_canceled: Event_Type.JOB_CANCELED,
  episode_skipped: Event_Type.EPISODE_SKIPPED,
  agent_joined: Event_Type.AGENT_JOINED,
  agent_left: Event_Type.AGENT_LEFT,
  agent_lost: Event_Type.AGENT_LOST,
  agent_cordoned: Event_Type.AGENT_CORDONED,
  agent_uncordoned: Event_Type.AGENT_UNCORDONED,
  agent_draining: Event_Type.AGENT_DRAINING,
  agent_drained: Event_Type.AGENT_DRAINED,
  result_fenced: Event_Type.RESULT_FENCED,
  library: Event_Type.LIBRARY,
  host_cooling: Event_Type.HOST_COOLING,
  host_recovered: Event_Type.HOST_RECOVERED,
  audio_removed: Event_Type.AUDIO_REMOVED,
  feed_purging: Event_Type.FEED_PURGING,
  feed_purged: Event_Type.FEED_PURGED,
};

/** The type's word in the stream; null for a number that none has. */
export function eventTypeOf(message: Event_Type): EventType | null {
  return EVENT_TYPES.find((word) => types[word] === message) ?? null;
}

/** Of the watch stream: its id is the one under which it is stored, be it stored already or not. */
export function eventMessage(event: LoggedEvent, origin: EventOrigin): EventMessage {
  const eventId = eventIdOf(event, origin);
  return { ...fields(event), sequence: BigInt(event.sequence), eventId };
}

export function archivedEventMessage(event: ArchivedEvent): EventMessage {
  return { ...fields(event), sequence: 0n, eventId: event.id };
}

function fields(event: Omit<ArchivedEvent, 'cluster' | 'sequence' | 'id'>) {
  const type = isEventType(event.type) ? types[event.type] : Event_Type.UNSPECIFIED;
  return {
    at: dateOf(event.atMs),
    type,
    feedId: event.feed ?? '',
    episodeId: event.episode ?? '',
    stage: stageMessage(event.stage),
    agentId: event.agent ?? '',
    message: event.message,
    title: event.title,
  };
}
