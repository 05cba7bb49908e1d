import * as Flags from '@oclif/core/flags';

/** Of every command that asks before it does what cannot be undone. */
export const yesFlag = Flags.boolean({ char: 'y', description: 'do it without asking' });
