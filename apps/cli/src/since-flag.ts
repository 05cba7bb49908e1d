import * as Flags from '@oclif/core/flags';
import { CommandError, EXIT } from './command-error.ts';
import { spanMs } from './duration-flag.ts';

/** `7d` or `12h` before now, a day (`2026-03-01`, UTC) or a time in ISO 8601. Throws CommandError (usage). */
export function parseSince(text: string, flag: string, nowMs: number): Date {
  const agoMs = spanMs(text);
  // Longer than there are podcasts: all of them.
  if (agoMs !== null) return new Date(Math.max(0, nowMs - agoMs));
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
