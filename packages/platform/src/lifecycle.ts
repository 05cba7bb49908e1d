import { constants } from 'node:os';
import { watchParent } from './child/parent-watch.ts';

/** Why a process was asked to stop. */
export type StopCause = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'parent gone' | 'output closed';

/** The reason of both signals of `MainContext`. */
export class StopRequest extends Error {
  readonly stopCause: StopCause;
  constructor(stopCause: StopCause) {
    super(`asked to stop: ${stopCause}`);
    this.name = 'StopRequest';
    this.stopCause = stopCause;
  }
}

export interface MainContext {
  /** Stop taking work, end in order. */
  readonly signal: AbortSignal;
  /** Cancel what still runs: a second signal came, or half of the grace time is over. */
  readonly force: AbortSignal;
}

export interface MainOptions {
  /** From the first request to stop until the process ends whatever `main` does. */
  readonly graceMs: number;
  /** Told of an error that nobody caught, before the process ends with code 70; and of a grace time that ran out. */
  readonly onCrash: (error: unknown) => void;
  readonly env?: NodeJS.ProcessEnv;
}

/** EX_SOFTWARE of sysexits: a bug. */
const CRASH_CODE = 70;
/** After a second signal. */
const FORCED_MS = 2_000;
/** `timeout` and npm signal a process and then its whole group: what comes so soon is the same request. */
const SAME_REQUEST_MS = 100;

/**
 * States: running, stopping (a signal, the parent's end, or a closed stdout), forced, ended. Only this function ends the
 * process, and it always does: with what `main` resolves to; 128 + the signal's number when `main` rejects with the
 * `StopRequest` or does not end in time; 70 after any other error. Children die by their own ties (child-process.ts).
 */
export async function runMain(
  main: (context: MainContext) => Promise<number>,
  options: MainOptions,
): Promise<never> {
  const stop = new AbortController();
  const force = new AbortController();
  let askedAtMs = 0;

  const crash = (error: unknown): never => {
    options.onCrash(error);
    process.exit(CRASH_CODE);
  };
  const doForce = (request: StopRequest) => {
    force.abort(request);
    setTimeout(() => tooLate(request), FORCED_MS);
  };
  const tooLate = (request: StopRequest): never => {
    options.onCrash(new Error(`${request.message}, and not done in time`));
    process.exit(codeOfCause(request.stopCause));
  };
  const ask = (stopCause: StopCause) => {
    const request = new StopRequest(stopCause);
    if (!stop.signal.aborted) {
      askedAtMs = performance.now();
      setTimeout(() => force.abort(request), options.graceMs / 2);
      setTimeout(() => tooLate(request), options.graceMs);
      stop.abort(request);
    } else if (performance.now() - askedAtMs > SAME_REQUEST_MS) doForce(request);
  };

  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ask);
  // Whoever read our output may be gone, a parent killed -9 among them: that is no crash.
  process.stdout.on('error', () => stop.signal.aborted || ask('output closed'));
  process.stderr.on('error', () => {});
  watchParent(() => stop.signal.aborted || ask('parent gone'), options.env ?? process.env);

  try {
    process.exit(await main({ signal: stop.signal, force: force.signal }));
  } catch (error) {
    if (error instanceof StopRequest) process.exit(codeOfCause(error.stopCause));
    return crash(error);
  }
}

function codeOfCause(stopCause: StopCause): number {
  switch (stopCause) {
    case 'SIGINT':
    case 'SIGTERM':
    case 'SIGHUP':
      return 128 + constants.signals[stopCause];
    case 'parent gone':
      return 128 + constants.signals.SIGTERM;
    case 'output closed':
      return 128 + constants.signals.SIGPIPE;
  }
}
