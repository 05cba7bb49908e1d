import * as Flags from '@oclif/core/flags';
import { JOIN_TOKEN_LIMITS } from '@podctl/domain/access.ts';
import { CommandError, EXIT } from './command-error.ts';

const unitsMs: { readonly [unit: string]: number } = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** The longest that any flag takes. */
const DURATION_MS_MAX = JOIN_TOKEN_LIMITS.ttlMsMax;

/** `500ms`, `10s`, `5m`, `1.5h`, `7d`, `2w` as milliseconds; null for other texts. */
export function spanMs(text: string): number | null {
  const [, count, unit] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|[smhdw])$/.exec(text) ?? [];
  return count === undefined || unit === undefined ? null : Number(count) * (unitsMs[unit] ?? 0);
}

/** A span above nothing and up to 7 d. Throws CommandError (usage). */
export function parseDurationMs(text: string, flag: string): number {
  const ms = spanMs(text);
  if (ms !== null && ms > DURATION_MS_MAX)
    throw new CommandError(
      EXIT.usage,
      `--${flag} ${JSON.stringify(text)} is too long; give ${DURATION_MS_MAX / 86_400_000}d at most`,
    );
  if (ms !== null && ms > 0) return ms;
  throw new CommandError(
    EXIT.usage,
    `--${flag} ${JSON.stringify(text)} is not a duration; give a number with ms, s, m, h or d, e.g. 10s`,
  );
}

/** A flag that takes a duration and gives milliseconds. */
export const durationFlag = Flags.custom<number>({
  parse: async (text, _, options) => parseDurationMs(text, options.name),
});
