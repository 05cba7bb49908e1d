import { FEED_LIMITS } from '@podctl/domain/feed/feed-document.ts';
import { URL_HREF_LENGTH_MAX } from '@podctl/domain/feed/url.ts';
import { GPU_LIMITS, type Gpu } from '@podctl/domain/gpu.ts';
import { hostName } from '@podctl/domain/host-name.ts';
import {
  isSession,
  isToken,
  clusterId as parseClusterId,
  episodeId as parseEpisodeId,
  feedId as parseFeedId,
  nonce as parseNonce,
  type SessionId,
  type Token,
} from '@podctl/domain/ids.ts';
import {
  type CommandMessage,
  type HeartbeatMessage,
  type HelloMessage,
  type HelloReply,
  type JobToken,
  LOG_LEVELS,
  LOG_LIMITS,
  type LogMessage,
  NOTE_LENGTH_MAX,
  type ResultMessage,
  type ResultReply,
} from '@podctl/domain/protocol.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { Slots } from '@podctl/domain/session.ts';
import { byStage, STAGES } from '@podctl/domain/stage.ts';
import { OFFERS_MAX } from '@podctl/domain/transcript/publisher-offer.ts';
import { z } from 'zod';

/** A quarter of the server's usual 1 MiB: what is longer is a mistake or an attack. */
export const MESSAGE_BYTES_MAX = 256 * 1024;
/** About 170 bytes each in JSON, so that a full heartbeat fits the limit above. */
export const TOKENS_PER_MESSAGE_MAX = 1_000;

/** One kind of message as bytes (JSON, UTF-8). Unknown fields are dropped, so that a newer sender is still understood. */
export interface Codec<T> {
  /** Fails with one sentence for what `decode` would refuse: so nothing is sent again and again that nobody can read. */
  encode(message: T): Result<Uint8Array, string>;
  /** Fails with one sentence naming the field. Never throws. */
  decode(data: Uint8Array): Result<T, string>;
}

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true });

/** `name` is for errors. */
export function messageCodec<T>(name: string, schema: z.ZodType<T>): Codec<T> {
  return {
    encode(message) {
      const fits = schema.safeParse(message);
      if (!fits.success) return err(misfit(name, fits.error));
      const data = encoder.encode(JSON.stringify(message));
      if (data.length > MESSAGE_BYTES_MAX)
        return err(
          `the ${name} has ${data.length} bytes; at most ${MESSAGE_BYTES_MAX} may be sent`,
        );
      return ok(data);
    },
    decode(data) {
      if (data.length > MESSAGE_BYTES_MAX)
        return err(`the ${name} has ${data.length} bytes; at most ${MESSAGE_BYTES_MAX} are read`);
      let raw: unknown;
      try {
        raw = JSON.parse(strictDecoder.decode(data));
      } catch {
        return err(`the ${name} is not JSON in UTF-8`);
      }
      const parsed = schema.safeParse(raw);
      return parsed.success ? ok(parsed.data) : err(misfit(name, parsed.error));
    },
  };
}

function misfit(name: string, { issues: [issue] }: z.ZodError): string {
  const where = issue?.path.join('.') || 'the whole';
  return `the ${name} does not fit: ${where}: ${issue?.message ?? 'unreadable'}`;
}

export function branded<T>(parse: (text: string) => Result<T, string>) {
  return z.string().transform((text, context): T => {
    const parsed = parse(text);
    if (parsed.ok) return parsed.value;
    context.addIssue({ code: 'custom', message: parsed.error });
    return z.NEVER;
  });
}

function revision<T extends number>(name: string, is: (value: number) => value is T & number) {
  return z.number().transform((value, context): T => {
    if (is(value)) return value;
    context.addIssue({ code: 'custom', message: `${name} must be a whole number above 0` });
    return z.NEVER;
  });
}

const cluster = branded(parseClusterId);
const session = revision<SessionId>('session', isSession);
const boot = z.string().min(1).max(64);
const sentence = z.string().max(FEED_LIMITS.textLengthMax);
const label = z.string().max(400);
const slotCount = z.number().int().min(0).max(1_000);
/** Of a stage that came later an older agent says nothing, and what a newer one says of its own is dropped. */
export const slotsField: z.ZodType<Slots> = z.object({
  ...byStage(() => slotCount.optional()),
  download: slotCount,
  transcribe: slotCount,
});
const milliseconds = z.number().int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex');

const jobFields = {
  feed: branded(parseFeedId),
  episode: branded(parseEpisodeId),
  stage: z.enum(STAGES),
  run: z.number().int().min(1),
  token: revision<Token>('token', isToken),
};
const job: z.ZodType<JobToken> = z.object(jobFields);

const bytes = z.number().min(0).max(GPU_LIMITS.memoryBytesMax).nullable();
const gpu: z.ZodType<Gpu> = z.object({
  index: z.number().int().min(0).max(GPU_LIMITS.indexMax),
  uuid: z.string().max(GPU_LIMITS.uuidLengthMax),
  product: z.string().max(GPU_LIMITS.productLengthMax),
  driver: z.string().max(GPU_LIMITS.driverLengthMax),
  backend: z.string().max(GPU_LIMITS.backendLengthMax),
  memorySizeBytes: bytes,
  memoryUsedBytes: bytes,
  utilizationRatio: z.number().min(0).max(1).nullable(),
  temperatureCelsius: z
    .number()
    .min(GPU_LIMITS.temperatureCelsiusMin)
    .max(GPU_LIMITS.temperatureCelsiusMax)
    .nullable(),
  powerWatts: z.number().min(0).max(GPU_LIMITS.powerWattsMax).nullable(),
});

export const helloMessage = messageCodec<HelloMessage>(
  'hello',
  z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('hello'),
      boot,
      cluster: cluster.nullable(),
      host: label,
      version: label,
      engine: label,
      slots: slotsField,
    }),
    z.object({
      kind: z.literal('goodbye'),
      boot,
      cluster,
      session,
      finished: z.array(job).max(TOKENS_PER_MESSAGE_MAX),
      reason: sentence.optional(),
    }),
  ]),
);

export const helloReply = messageCodec<HelloReply>(
  'reply to a hello',
  z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('welcome'),
      cluster,
      session,
      heartbeatMs: z.number().int().min(50).max(600_000),
      lostAfterMs: z.number().int().min(100).max(3_600_000),
      library: label,
    }),
    z.object({ kind: z.literal('farewell') }),
    z.object({ kind: z.literal('refused'), reason: sentence, final: z.boolean() }),
  ]),
);

export const heartbeatMessage = messageCodec<HeartbeatMessage>(
  'heartbeat',
  z.object({
    boot,
    cluster,
    session,
    sequence: z.number().int().min(0),
    tokens: z
      .array(
        z.object({
          ...jobFields,
          phase: z.enum(['running', 'finished', 'unsettled']),
          progress: z.number().min(0).max(1),
          waiting: z.boolean().optional(),
          note: z.string().max(NOTE_LENGTH_MAX).optional(),
        }),
      )
      .max(TOKENS_PER_MESSAGE_MAX),
    engine: label,
    problem: sentence.nullable(),
    draining: z.boolean().optional(),
    gpus: z.array(gpu).max(GPU_LIMITS.gpusMax).optional(),
    gpuProblem: sentence.nullable().optional(),
    engineChoice: sentence.optional(),
    ahead: slotCount.optional(),
  }),
);

const work = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('download'),
    url: z.string().min(1).max(URL_HREF_LENGTH_MAX),
    episode: z.object({
      feedTitle: sentence,
      title: sentence,
      guid: sentence.nullable(),
      publishedMs: z.number().nullable(),
    }),
    transcripts: z
      .array(
        z.object({
          url: z.string().min(1).max(URL_HREF_LENGTH_MAX),
          type: label.nullable(),
          language: label.nullable(),
        }),
      )
      .max(OFFERS_MAX)
      .optional(),
  }),
  z.object({
    kind: z.literal('transcribe'),
    audioPath: z.string().min(1).max(1_024),
    audioSha256: sha256,
    audioSeconds: z.number().min(0).nullable(),
    model: label,
    language: label.nullable(),
    prompt: sentence.optional(),
    hotwords: sentence.optional(),
    qualityMin: z.number().min(0).max(1).optional(),
    languageProbe: z
      .object({
        offsetSeconds: z.number().min(0).max(600),
        confidenceMin: z.number().min(0).max(1),
      })
      .optional(),
    episode: z
      .object({
        feedTitle: sentence,
        title: sentence,
        publishedMs: z.number().nullable(),
        link: z.string().max(URL_HREF_LENGTH_MAX).optional(),
      })
      .optional(),
    publisher: z
      .object({
        path: z.string().min(1).max(1_024),
        sha256,
        sizeBytes: z.number().int().min(1),
        url: z.string().min(1).max(1_024).nullable(),
        language: label.nullable(),
      })
      .optional(),
  }),
  z.object({
    kind: z.literal('score'),
    transcriptPath: z.string().min(1).max(1_024),
    transcriptSha256: sha256,
    audioSeconds: z.number().min(0).nullable(),
  }),
]);

export const commandMessage = messageCodec<CommandMessage>(
  'command',
  z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('start'),
      cluster,
      session,
      job,
      work,
      ticket: branded(parseNonce),
    }),
    z.object({ kind: z.literal('cancel'), cluster, session, job, reason: sentence }),
    z.object({ kind: z.literal('release'), cluster, session, job, reason: sentence }),
    z.object({ kind: z.literal('superseded'), session }),
    z.object({ kind: z.literal('rehello'), session }),
    z.object({
      kind: z.literal('bandwidth'),
      session,
      bytesPerSecond: z.number().min(1).nullable(),
    }),
    z.object({ kind: z.literal('ping'), boot }),
  ]),
);

export const resultMessage = messageCodec<ResultMessage>(
  'result',
  z.object({
    boot,
    cluster,
    session,
    job,
    outcome: z.discriminatedUnion('kind', [
      z.object({
        kind: z.literal('finished'),
        manifestSha256: sha256,
        host: branded(hostName).optional(),
      }),
      z.object({
        kind: z.literal('failed'),
        code: label,
        reason: sentence,
        retryAfterMs: milliseconds.nullable(),
        final: z.boolean(),
        returned: z.boolean(),
        host: branded(hostName).optional(),
        status: z.number().int().min(100).max(999).optional(),
      }),
    ]),
  }),
);

export const resultReply = messageCodec<ResultReply>(
  'reply to a result',
  z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('verdict'),
      answer: z.enum(['accepted', 'over', 'fenced', 'noted']),
    }),
    z.object({ kind: z.literal('later'), reason: sentence }),
  ]),
);

export const logMessage = messageCodec<LogMessage>(
  'log message',
  z.object({
    boot,
    cluster,
    session,
    dropped: z.number().int().min(0),
    lines: z
      .array(
        z.object({
          atMs: milliseconds,
          level: z.enum(LOG_LEVELS),
          message: z.string().max(LOG_LIMITS.messageLengthMax),
          job: job.nullable(),
        }),
      )
      .max(LOG_LIMITS.linesMax),
  }),
);
