import { type FeedPolling, POLL_CAME } from '@podctl/domain/feed/polling.ts';
import { z } from 'zod';

const millis = z.number().int().min(0);
const span = z.number().min(0).nullable().default(null);

/** As it stands in a feed's record. What cannot be read of it is forgotten, since polls teach it again. */
export const feedPolling: z.ZodType<FeedPolling | undefined> = z
  .object({
    lastMs: millis,
    came: z.enum(POLL_CAME),
    fresh: millis.default(0),
    why: z.string().max(1_000).default(''),
    fullMs: millis.nullable().default(null),
    newMs: millis.nullable().default(null),
    arrivalGapMs: span,
    rhythm: z
      .object({
        gapMs: span,
        // Dates before 1970 are real: a reading of the oldest recordings.
        newestMs: z.number().nullable().default(null),
        everyMs: span,
        isComplete: z.boolean().default(false),
      })
      .nullable()
      .default(null),
    fallbackAgent: z.boolean().default(false),
  })
  .optional()
  .catch(undefined);
