import * as Flags from '@oclif/core/flags';
import { CommandError, EXIT } from './command-error.ts';

// A type, not an interface: oclif wants options that could carry any key.
export type IntegerRange = {
  readonly min: number;
  readonly max: number;
};

/** A whole number from `min` to `max`. Throws CommandError (usage). */
export function parseInteger(text: string, flag: string, { min, max }: IntegerRange): number {
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new CommandError(
    EXIT.usage,
    `--${flag} is ${JSON.stringify(text)}; expected a whole number from ${min} to ${max}`,
  );
}

/** A flag that takes a whole number of a range. */
export const integerFlag = Flags.custom<number, IntegerRange>({
  parse: async (text, _, options) => parseInteger(text, options.name, options),
});
