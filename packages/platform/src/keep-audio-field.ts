import type { KeepAudio } from '@podctl/domain/keep-audio.ts';
import { z } from 'zod';

const amount = z.number().int().min(1).max(100_000);

export const keepAudioField: z.ZodType<KeepAudio> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('always') }),
  z.object({ kind: z.literal('untilTranscribed') }),
  z.object({ kind: z.literal('days'), days: amount }),
  z.object({ kind: z.literal('count'), count: amount }),
]);

/** In a record: a rule that a newer version wrote, and nobody here knows, takes nothing away. */
export const keptAudioField: z.ZodType<KeepAudio | undefined> = keepAudioField
  .catch({ kind: 'always' })
  .optional();
