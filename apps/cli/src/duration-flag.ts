import * as Flags from '@oclif/core/flags';
import { JOIN_TOKEN_LIMITS } from '@podctl/domain/access.ts';
import { CommandError, EXIT } from './command-error.ts';

const unitsMs: { readonly [unit: string]: number } = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** The longest that any flag takes. */
const DURATION_MS_MAX = JOIN_TOKEN_LIMITS.ttlMsMax;

/** `500ms`, `10s`, `5m`, `2h` as milliseconds. Throws CommandError (usage). */
export function parseDurationMs(text: string, flag: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text);
  const ms = Number(match?.[1]) * (unitsMs[match?.[2] ?? ''] ?? Number.NaN);
  if (Number.isFinite(ms) && ms > 0 && ms <= DURATION_MS_MAX) return ms;
  throw new CommandError(
    EXIT.usage,
    `--${flag} ${JSON.stringify(text)} is not a duration; give a number with ms, s, m or h, e.g. 10s`,
  );
}

/** A flag that takes a duration and gives milliseconds. */
export const durationFlag = Flags.custom<number>({
  parse: async (text, _, options) => parseDurationMs(text, options.name),
});
