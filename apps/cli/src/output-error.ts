import { EXIT } from './command-error.ts';
import { whySeen } from './file-error.ts';

/**
 * Ends the command when what it prints cannot be written, help included. Called before oclif listens itself: it passes over
 * a reader that left, and then waits for the rest to be taken, and throws what is no EPIPE as a crash with a stack.
 */
export function watchOutput(): void {
  process.stdout.prependListener('error', endByOutput);
}

/** A reader that left (`podctl … | head`) is no failure; data that could not be written is one. */
export function endByOutput(error: NodeJS.ErrnoException): never {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  const why = whySeen(error) ?? error.message;
  process.stderr.write(`podctl: the output could not be written: ${why}; write it elsewhere.\n`);
  process.exit(EXIT.failed);
}
