/**
 * Exit codes, as documented in the command line's contract: scripts rely on them.
 * 127 (no such command) comes from the not-found plugin.
 */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  denied: 4,
  unavailable: 5,
  deadline: 6,
  conditionFalse: 7,
  conflict: 8,
  interrupted: 130,
  terminated: 143,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What a person is told: one sentence without its full stop (what was seen, what to do next), and the exit code. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, sentence: string, cause?: unknown) {
    super(sentence, cause === undefined ? undefined : { cause });
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

/** Any thrown thing as a CommandError; what is not one already failed unexpectedly. */
export function commandErrorFrom(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new CommandError(EXIT.failed, message, error);
}
