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
  /** What the coordinator says beside the sentence; null when it did not say it. */
  readonly details: ErrorDetails | null;

  constructor(
    exitCode: ExitCode,
    sentence: string,
    cause?: unknown,
    details: ErrorDetails | null = null,
  ) {
    super(sentence, cause === undefined ? undefined : { cause });
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.details = details;
  }
}

/** For programs, and of what the request said wrong. */
export interface ErrorDetails {
  /** A constant, such as FEED_NOT_FOUND. */
  readonly reason: string;
  /** What to do next; empty when nothing was said. */
  readonly hint: string;
  /** The field of the request that is wrong; empty when none is. */
  readonly field: string;
}

/** Any thrown thing as a CommandError; what is not one already failed unexpectedly. */
export function commandErrorFrom(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new CommandError(EXIT.failed, message, error);
}
