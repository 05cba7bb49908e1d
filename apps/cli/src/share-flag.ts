import * as Flags from '@oclif/core/flags';
import { CommandError, EXIT } from './command-error.ts';

/** A share above 0 and up to 1. Throws CommandError (usage). */
export function parseShare(text: string, flag: string): number {
  const value = /^(?:0?\.\d{1,6}|[01](?:\.\d{1,6})?)$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= 1) return value;
  throw new CommandError(
    EXIT.usage,
    `--${flag} is ${JSON.stringify(text)}; expected a number above 0 and up to 1, such as 0.5`,
  );
}

/** A flag that takes a share of 1. */
export const shareFlag = Flags.custom<number>({
  parse: async (text, _, options) => parseShare(text, options.name),
});
