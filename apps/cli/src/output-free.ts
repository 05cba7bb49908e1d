import * as Flags from '@oclif/core/flags';
import { CommandError, EXIT } from './command-error.ts';

/** In place of `-o` where what is printed is no data: a command that runs until it is stopped, or prints a file. */
export const noOutputFlag = Flags.string({
  hidden: true,
  parse: async (): Promise<string> => {
    throw new CommandError(EXIT.usage, 'this command has no other form of output; leave -o out');
  },
});
