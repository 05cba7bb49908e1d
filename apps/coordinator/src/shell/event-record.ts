import { eventRecord } from '@podctl/platform/event-record.ts';
import type { EventToStore } from '@podctl/platform/event-stream.ts';
import type { LoggedEvent } from './fleet.ts';

/** Titles come from feeds, reasons from agents: both can be long. */
const TEXT_LENGTH_MAX = 500;

/** Where an event was seen. */
export interface EventOrigin {
  readonly cluster: string;
  /** Of the process that saw it: another life of it has another one. */
  readonly coordinator: string;
}

/** What tells the same has the same id, whichever coordinator saw it. */
export function eventIdOf(
  { id, revision, type, stage, sequence }: LoggedEvent,
  { cluster, coordinator }: EventOrigin,
): string {
  if (id !== undefined) return id;
  if (revision === null) return `${coordinator}.${sequence}`;
  return `${cluster}.${revision}.${type}.${stage ?? '_'}`;
}

export function eventToStore(event: LoggedEvent, origin: EventOrigin): EventToStore {
  const { revision, atMs, type, feed, episode, stage, agent } = event;
  const texts = { title: clipped(event.title), message: clipped(event.message) };
  const { cluster } = origin;
  const record = { cluster, revision, atMs, type, feed, episode, stage, agent, ...texts };
  return { id: eventIdOf(event, origin), type, feed, agent, data: eventRecord.encode(record) };
}

function clipped(text: string): string {
  return text.slice(0, TEXT_LENGTH_MAX).toWellFormed();
}
