import {
  type AgentId,
  agentId,
  type EpisodeId,
  episodeId,
  type FeedId,
  feedId,
} from '@podctl/domain/ids.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import type { EventToStore } from '@podctl/platform/event-stream.ts';
import { recordCodec } from '@podctl/platform/records.ts';
import { branded } from '@podctl/platform/wire.ts';
import { z } from 'zod';
import type { LoggedEvent } from './fleet.ts';

/** An event as the stream keeps it. */
export interface EventRecord {
  /** The world it happened in: revisions of another one say nothing. */
  readonly cluster: string;
  /** Of the change of the state that tells it; null: a coordinator saw it beside the state. */
  readonly revision: number | null;
  readonly atMs: number;
  /** A newer version may have types of its own. */
  readonly type: string;
  readonly feed: FeedId | null;
  readonly episode: EpisodeId | null;
  readonly stage: Stage | null;
  readonly agent: AgentId | null;
  readonly title: string;
  readonly message: string;
}

/** Titles come from feeds, reasons from agents: both can be long. */
const TEXT_LENGTH_MAX = 500;

export const eventRecord = recordCodec<EventRecord>(
  'event',
  z.object({
    cluster: z.string(),
    revision: z.number().int().min(0).nullable(),
    atMs: z.number().min(0),
    type: z.string(),
    feed: branded(feedId).nullable(),
    episode: branded(episodeId).nullable(),
    stage: z.enum(STAGES).nullable(),
    agent: branded(agentId).nullable(),
    title: z.string(),
    message: z.string(),
  }),
);

/** Where an event was seen. */
export interface EventOrigin {
  readonly cluster: string;
  /** Of the process that saw it: another life of it has another one. */
  readonly coordinator: string;
}

/** What tells the same has the same id, whichever coordinator saw it. */
export function eventIdOf(
  { revision, type, stage, sequence }: LoggedEvent,
  { cluster, coordinator }: EventOrigin,
): string {
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
