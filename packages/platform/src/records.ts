import { CORDON_KINDS, type CordonRecord } from '@podctl/domain/cordon.ts';
import type { EpisodeMeta } from '@podctl/domain/episode-meta.ts';
import type { EpisodeFilter } from '@podctl/domain/feed/episode-filter.ts';
import { FEED_PROBLEM_KINDS } from '@podctl/domain/feed/feed-problem.ts';
import type { FeedChoices } from '@podctl/domain/feed-choices.ts';
import type { FeedPurge } from '@podctl/domain/feed-purge.ts';
import type { FeedLedger, FeedReading, FeedRecord } from '@podctl/domain/feed-record.ts';
import { agentId, clusterId, episodeId, feedId, nonce } from '@podctl/domain/ids.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { SessionRecord } from '@podctl/domain/session.ts';
import { z } from 'zod';
import { feedPolling } from './feed-polling.ts';
import { keptAudioField } from './keep-audio-field.ts';
import { branded } from './wire.ts';

/** The values of the buckets other than an episode's state, as JSON. Unknown fields are dropped: a newer writer's. */
export interface RecordCodec<T> {
  encode(record: T): Uint8Array;
  /** Errors are one sentence. A record that cannot be read is passed over and counted, never overwritten. */
  decode(data: Uint8Array): Result<T, string>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function recordCodec<T>(name: string, schema: z.ZodType<T>): RecordCodec<T> {
  return {
    encode: (record) => encoder.encode(JSON.stringify(record)),
    decode(data) {
      try {
        const parsed = schema.safeParse(JSON.parse(decoder.decode(data)));
        if (parsed.success) return ok(parsed.data);
        const issue = parsed.error.issues[0];
        return err(`${name}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unreadable'}`);
      } catch {
        return err(`${name}: not JSON`);
      }
    },
  };
}

const millis = z.number().int().min(0);
const count = z.number().int().min(0);

/** In records and in orders. Limits are looked at where a request comes in; these have room for a newer version's. */
export const episodeFilter: z.ZodType<EpisodeFilter> = z.object({
  titleMatch: z.string().max(1_000).nullable().default(null),
  titleSkip: z.string().max(1_000).nullable().default(null),
  sinceMs: z.number().int().nullable().default(null),
  episodesMax: z.number().int().min(1).nullable().default(null),
  minDurationSeconds: z.number().min(0).nullable().default(null),
  maxDurationSeconds: z.number().min(0).nullable().default(null),
  seasons: z.array(z.number().int().min(0)).max(1_000).default([]),
  episodeTypes: z
    .array(z.enum(['full', 'trailer', 'bonus']))
    .max(10)
    .default([]),
});

/** Each of them has its default, so that a record of an older or newer version is read for what it has. */
const feedChoices: z.ZodType<FeedChoices> = z.object({
  paused: z.boolean().default(false),
  priority: z.number().int().min(-10).max(10).default(0),
  labels: z.record(z.string(), z.string()).default({}),
  model: z.string().nullable().default(null),
  language: z.string().nullable().default(null),
  first: z.array(branded(episodeId)).max(1_000).default([]),
  filter: episodeFilter.optional(),
  prompt: z.string().optional(),
  hotwords: z.string().optional(),
  keepAudio: keptAudioField,
});

const feedLedger: z.ZodType<FeedLedger> = z.object({
  known: count,
  listed: count,
  vanished: count,
  replaced: count,
  audioChanged: count,
  filtered: count,
  digest: z.string(),
  filter: z.string(),
  hosts: count.optional(),
});

/** Kinds of a newer version are read as the mildest. */
const feedReading: z.ZodType<FeedReading> = z.object({
  atMs: millis,
  items: count,
  pages: count,
  problems: z
    .array(
      z.object({
        kind: z.enum(FEED_PROBLEM_KINDS).catch('repaired'),
        message: z.string(),
        count,
        place: z.string().nullable().default(null),
      }),
    )
    .default([]),
  brokeOff: z.object({ mark: z.string(), sinceMs: millis }).optional(),
});

/** In records and in answers to orders. */
export const feedPurge: z.ZodType<FeedPurge> = z.object({
  state: z.enum(['wanted', 'done']),
  cluster: branded(clusterId),
  sinceMs: millis,
  results: count,
  files: count,
  bytes: count,
});

export const feedRecord = recordCodec<FeedRecord>(
  'feed',
  z.object({
    cluster: branded(clusterId),
    nonce: branded(nonce),
    feed: branded(feedId),
    url: z.string(),
    formerUrls: z.array(z.string()).max(16).default([]),
    title: z.string().nullable(),
    addedMs: millis,
    bookScore: z.number().int().min(1).max(10).nullable(),
    generation: count,
    etag: z.string().nullable(),
    lastModified: z.string().nullable(),
    lastSuccessMs: millis.nullable(),
    failures: count,
    nextPollMs: millis,
    problem: z.string().nullable(),
    listed: count,
    choices: feedChoices.optional(),
    removed: z.boolean().optional(),
    purge: feedPurge.optional(),
    reading: feedReading.optional(),
    polling: feedPolling,
    ledger: feedLedger.optional(),
  }),
);

export const sessionRecord = recordCodec<SessionRecord>(
  'session',
  z.object({
    cluster: branded(clusterId),
    nonce: branded(nonce),
    agent: branded(agentId),
    state: z.enum(['live', 'lost', 'gone']),
    boot: z.string(),
    host: z.string(),
    version: z.string(),
    engine: z.string(),
    slots: z.object({ download: count, transcribe: count }),
    sinceMs: millis,
    session: count,
  }),
);

/** Of a cordon, as it is in its record and in orders. Lengths have room for what a newer version may allow. */
export const cordonFields = {
  kind: z.enum(CORDON_KINDS),
  reason: z.string().max(1_000),
  by: z.string().max(200),
  sinceMs: millis,
  deadlineMs: millis.nullable(),
};

export const cordonRecord = recordCodec<CordonRecord>(
  'cordon',
  z.object({
    cluster: branded(clusterId),
    nonce: branded(nonce),
    agent: branded(agentId),
    ...cordonFields,
  }),
);

const offeredTranscript = z.object({
  url: z.string(),
  type: z.string().nullable(),
  language: z.string().nullable(),
});

export const episodeMeta = recordCodec<EpisodeMeta>(
  'episode meta',
  z.object({
    key: z.string(),
    url: z.string(),
    feedTitle: z.string(),
    title: z.string(),
    guid: z.string().nullable(),
    publishedMs: z.number().nullable(),
    durationSecondsEstimate: z.number().nullable(),
    season: z.number().optional(),
    episodeNumber: z.number().optional(),
    episodeType: z.enum(['trailer', 'bonus']).optional(),
    transcripts: z.array(offeredTranscript).optional(),
    persons: z.array(z.object({ name: z.string(), role: z.string() })).optional(),
    chaptersUrl: z.string().optional(),
    link: z.string().optional(),
    isExplicit: z.boolean().optional(),
    isBlocked: z.boolean().optional(),
    lengthBytes: z.number().optional(),
    aliases: z.array(z.string()).max(64).optional(),
    isUrlRestless: z.boolean().optional(),
  }),
);

/** The cluster's id, under its own key. */
export const clusterRecord = recordCodec('cluster', z.object({ cluster: branded(clusterId) }));

/**
 * What stands under the cluster's key while a backup is being restored: nobody may lead on half of one. No coordinator
 * takes it for a cluster record.
 */
export const restoringRecord = recordCodec(
  'restoring',
  z.object({ restoring: z.object({ sha256: z.string(), file: z.string() }) }),
);
