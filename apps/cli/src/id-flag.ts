import * as Flags from '@oclif/core/flags';
import { CommandError, EXIT } from './command-error.ts';

/**
 * A flag that narrows a command to one feed or agent. An empty value is refused: it is most often a variable of a script
 * that was never set, and would mean all of them.
 */
export const idFlag = Flags.custom<string>({
  helpValue: 'ID',
  parse: async (text, _, { name }) => {
    if (text !== '') return text;
    throw new CommandError(
      EXIT.usage,
      `--${name} is empty, where an id was expected; leave --${name} out to mean all of them`,
    );
  },
});
