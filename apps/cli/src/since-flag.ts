import * as Flags from '@oclif/core/flags';
import { CommandError, EXIT } from './command-error.ts';

const unitsMs: { readonly [unit: string]: number } = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `7d` or `12h` before now, a day (`2026-03-01`, UTC) or a time in ISO 8601. Throws CommandError (usage). */
export function parseSince(text: string, flag: string, nowMs: number): Date {
  const ago = /^(\d{1,6})(m|h|d|w)$/.exec(text);
  if (ago !== null) return new Date(nowMs - Number(ago[1]) * (unitsMs[ago[2] ?? ''] ?? 0));
  const isIso =
    /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const time = new Date(isIso ? text : Number.NaN);
  if (Number.isFinite(time.getTime())) return time;
  throw new CommandError(
    EXIT.usage,
    `--${flag} ${JSON.stringify(text)} is no time; give how long ago (12h, 7d), a day (2026-03-01) or a time in ISO 8601`,
  );
}

/** A flag that takes a time in the past. */
export const sinceFlag = Flags.custom<Date>({
  helpValue: 'TIME',
  parse: async (text, _, options) => parseSince(text, options.name, Date.now()),
});
