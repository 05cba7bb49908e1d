import {
  type AgentId,
  agentId,
  type EpisodeId,
  episodeId,
  type FeedId,
  feedId,
} from '@podctl/domain/ids.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import { z } from 'zod';
import { recordCodec } from './records.ts';
import { branded } from './wire.ts';

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
