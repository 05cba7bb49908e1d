import { CORDON_LIMITS, type CordonWish } from '@podctl/domain/cordon.ts';
import type { FeedChange } from '@podctl/domain/feed-change.ts';
import { agentId, episodeId, feedId, isToken, type Token } from '@podctl/domain/ids.ts';
import {
  type AddedFeed,
  type ChangedFeed,
  type Order,
  type OrderDone,
  type OrderReply,
  type ReleasedLock,
  RUNS_A_MESSAGE_MAX,
} from '@podctl/domain/order.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import { z } from 'zod';
import { keepAudioField } from './keep-audio-field.ts';
import { cordonFields, episodeFilter, feedPurge } from './records.ts';
import { branded, messageCodec } from './wire.ts';

const text = z.string().max(8_192);
const revision = z.number().int().min(0);
const feed = branded(feedId);
const episode = branded(episodeId);
const stage = z.enum(STAGES);

const labels = z.record(z.string().max(63), z.string().max(63));

const feedChange: z.ZodType<FeedChange> = z.object({
  bookScore: z.number().int().min(1).max(10).optional(),
  paused: z.boolean().optional(),
  priority: z.number().int().min(-10).max(10).optional(),
  setLabels: labels.optional(),
  removeLabels: z.array(z.string().max(63)).max(100).optional(),
  model: z.string().max(100).nullable().optional(),
  language: z.string().max(100).nullable().optional(),
  first: z.array(episode).max(1_000).optional(),
  filter: episodeFilter.nullable().optional(),
  prompt: text.nullable().optional(),
  hotwords: text.nullable().optional(),
  keepAudio: keepAudioField.nullable().optional(),
  pollNow: z.literal(true).optional(),
  remove: z.literal(true).optional(),
  purge: z.literal(true).optional(),
});

const token = z.number().transform((value, context): Token => {
  if (isToken(value)) return value;
  context.addIssue({ code: 'custom', message: 'token must be a whole number above 0' });
  return z.NEVER;
});

const { reason, by } = cordonFields;
const wish: z.ZodType<CordonWish> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('cordon'), reason, by }),
  z.object({ kind: z.literal('uncordon'), by }),
  z.object({
    kind: z.literal('drain'),
    reason,
    by,
    deadlineInMs: z.number().int().min(0).max(CORDON_LIMITS.deadlineMsMax).nullable(),
  }),
]);

const order: z.ZodType<Order> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('add_feeds'),
    feeds: z
      .array(
        z.object({
          url: text,
          title: text.nullable(),
          bookScore: z.number().nullable(),
          id: text.nullable(),
          priority: z.number().optional(),
          labels: labels.optional(),
          model: text.optional(),
          language: text.optional(),
          filter: episodeFilter.optional(),
          prompt: text.optional(),
          hotwords: text.optional(),
          keepAudio: keepAudioField.optional(),
          paused: z.boolean().optional(),
        }),
      )
      .max(1_000),
    dryRun: z.boolean().optional(),
  }),
  z.object({ kind: z.literal('change_feed'), feed, change: feedChange, dryRun: z.boolean() }),
  z.object({
    kind: z.literal('retry_jobs'),
    request: z.string().min(1).max(64),
    jobs: z.array(z.object({ feed, episode, stage })).max(RUNS_A_MESSAGE_MAX),
    model: z.string().max(100).optional(),
  }),
  z.object({
    kind: z.literal('skip_episode'),
    episode: z.object({ feed, episode, by: z.string().max(200) }),
  }),
  z.object({
    kind: z.literal('release_lock'),
    lock: z.object({ feed, episode, stage, token }),
  }),
  z.object({ kind: z.literal('set_cordon'), agent: branded(agentId), wish }),
  z.object({
    kind: z.literal('cancel_job'),
    job: z.object({ feed, episode, stage, token }),
    by: z.string().max(200),
  }),
  z.object({
    kind: z.literal('repeat_runs'),
    request: z.string().min(1).max(64),
    runs: z
      .array(z.object({ feed, episode, stage, run: z.number().int().min(1) }))
      .max(RUNS_A_MESSAGE_MAX),
    model: z.string().max(100).optional(),
  }),
  z.object({
    kind: z.literal('adopt_result'),
    result: z.object({ feed, episode, stage, token }),
  }),
]);

const addedFeed: z.ZodType<AddedFeed> = z.discriminatedUnion('kind', [
  z.object({
    ...{ kind: z.enum(['added', 'known', 'moved', 'restored']), feed, url: text, revision },
    purged: z.literal(true).optional(),
  }),
  z.object({ kind: z.literal('refused'), url: text, problem: text }),
]);

const purge = feedPurge.optional();

const changedFeed: z.ZodType<ChangedFeed> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('changed'), revision, fields: z.array(text), purge }),
  z.object({ kind: z.literal('unknown') }),
  z.object({ kind: z.literal('refused'), problem: text }),
]);

const releasedLock: z.ZodType<ReleasedLock> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('released'), revision }),
  z.object({ kind: z.literal('committed') }),
  z.object({ kind: z.literal('not_held') }),
]);

const done: z.ZodType<OrderDone> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('add_feeds'), added: z.array(addedFeed) }),
  z.object({ kind: z.literal('change_feed'), changed: changedFeed }),
  z.object({ kind: z.literal('retry_jobs'), retried: revision }),
  z.object({ kind: z.literal('skip_episode'), skipped: z.array(stage) }),
  z.object({ kind: z.literal('release_lock'), released: releasedLock }),
  z.object({
    kind: z.literal('set_cordon'),
    set: z.object({ cordon: z.object(cordonFields).nullable(), changed: z.boolean() }),
  }),
  z.object({ kind: z.literal('cancel_job'), canceled: releasedLock }),
  z.object({ kind: z.literal('repeat_runs'), requested: revision }),
  z.object({ kind: z.literal('adopt_result'), refusal: text.nullable() }),
]);

export const orderMessage = messageCodec<Order>('order', order);

export const orderReply = messageCodec<OrderReply>(
  'reply to an order',
  z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('done'), done }),
    z.object({ kind: z.literal('failed'), reason: text }),
  ]),
);
