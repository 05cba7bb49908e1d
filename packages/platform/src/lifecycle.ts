import { constants } from 'node:os';
import { watchParent } from './child/parent-watch.ts';

/** Why a process was asked to stop. `drain over`: it was asked before, and its time to finish is over. */
export type StopCause =
  | 'SIGINT'
  | 'SIGTERM'
  | 'SIGHUP'
  | 'parent gone'
  | 'output closed'
  | 'drain over';

/** The reason of the signals of `MainContext`. */
export class StopRequest extends Error {
  readonly stopCause: StopCause;
  constructor(stopCause: StopCause) {
    super(`asked to stop: ${stopCause}`);
    this.name = 'StopRequest';
    this.stopCause = stopCause;
  }
}

export interface MainContext {
  /** Take no new work. Without a drain time, `cancel` comes right before it. */
  readonly signal: AbortSignal;
  /** Give up what still runs, and end in order: a further request came, or the drain time is over. */
  readonly cancel: AbortSignal;
  /** End now: yet another request came, or half of the grace time is over. */
  readonly force: AbortSignal;
  /** How long what runs may take to finish after the first request; 0, nothing, until this is called. */
  drainFor(ms: number): void;
}

export interface MainOptions {
  /** From `cancel` until the process ends whatever `main` does. */
  readonly graceMs: number;
  /** Told of an error that nobody caught, before the process ends with code 70; and of a grace time that ran out. */
  readonly onCrash: (error: unknown) => void;
  readonly env?: NodeJS.ProcessEnv;
}

/** EX_SOFTWARE of sysexits: a bug. */
const CRASH_CODE = 70;
/** From `force` until the end. */
const FORCED_MS = 2_000;
/** A supervisor signals a process and its whole group, and the parent passes the signal on: what comes so soon is the same request. */
const SAME_REQUEST_MS = 300;

/**
 * Ends the process, and nothing else does: with what `main` resolves to; 128 + the signal's number when `main` rejects
 * with the `StopRequest` or does not end in time; 70 after any other error. Children die by their own ties (child-process.ts).
 */
export async function runMain(
  main: (context: MainContext) => Promise<number>,
  options: MainOptions,
): Promise<never> {
  const crash = (error: unknown): never => {
    options.onCrash(error);
    process.exit(CRASH_CODE);
  };
  const stops = new StopRequests(options.graceMs, (request): never => {
    options.onCrash(new Error(`${request.message}, and not done in time`));
    process.exit(codeOfCause(request.stopCause));
  });
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => stops.asked(signal));
  // Whoever read our output may be gone, a parent killed -9 among them: that is no crash.
  process.stdout.on('error', () => stops.orphaned('output closed'));
  process.stderr.on('error', () => {});
  watchParent(() => stops.orphaned('parent gone'), options.env ?? process.env);
  try {
    process.exit(await main(stops.context));
  } catch (error) {
    if (error instanceof StopRequest) process.exit(codeOfCause(error.stopCause));
    return crash(error);
  }
}

/**
 * Requests to stop, each of which leads one step down: running → draining (left out without a drain time) → ending →
 * forced. The death of the parent, a closed terminal and a closed output leave out the draining: nobody waits for it.
 * Time leads down too: the drain time, then half of the grace time, then all of it.
 */
class StopRequests {
  readonly context: MainContext;
  readonly #stop = new AbortController();
  readonly #cancel = new AbortController();
  readonly #force = new AbortController();
  readonly #graceMs: number;
  readonly #tooLate: (request: StopRequest) => never;
  #state: 'running' | 'draining' | 'ending' | 'forced' = 'running';
  #drainMs = 0;
  #drainTimer: NodeJS.Timeout | undefined;
  #askedAtMs = 0;

  constructor(graceMs: number, tooLate: (request: StopRequest) => never) {
    this.#graceMs = graceMs;
    this.#tooLate = tooLate;
    this.context = {
      signal: this.#stop.signal,
      cancel: this.#cancel.signal,
      force: this.#force.signal,
      drainFor: (ms) => {
        this.#drainMs = ms;
      },
    };
  }

  asked(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void {
    const nowMs = performance.now();
    if (this.#state !== 'running' && nowMs - this.#askedAtMs <= SAME_REQUEST_MS) return;
    this.#askedAtMs = nowMs;
    const request = new StopRequest(signal);
    if (this.#state === 'running' && signal !== 'SIGHUP' && this.#drainMs > 0) this.#drain(request);
    else if (this.#state === 'running' || this.#state === 'draining') this.#end(request);
    else this.#doForce(request);
  }

  orphaned(cause: 'parent gone' | 'output closed'): void {
    if (this.#state === 'running' || this.#state === 'draining') this.#end(new StopRequest(cause));
  }

  #drain(request: StopRequest): void {
    this.#state = 'draining';
    this.#drainTimer = setTimeout(() => this.#end(new StopRequest('drain over')), this.#drainMs);
    this.#stop.abort(request);
  }

  #end(request: StopRequest): void {
    this.#state = 'ending';
    clearTimeout(this.#drainTimer);
    setTimeout(() => this.#force.abort(request), this.#graceMs / 2);
    setTimeout(this.#tooLate, this.#graceMs, request);
    this.#cancel.abort(request);
    this.#stop.abort(request);
  }

  #doForce(request: StopRequest): void {
    if (this.#state === 'forced') return;
    this.#state = 'forced';
    this.#force.abort(request);
    setTimeout(this.#tooLate, FORCED_MS, request);
  }
}

function codeOfCause(stopCause: StopCause): number {
  switch (stopCause) {
    case 'SIGINT':
    case 'SIGTERM':
    case 'SIGHUP':
      return 128 + constants.signals[stopCause];
    case 'parent gone':
    case 'drain over':
      return 128 + constants.signals.SIGTERM;
    case 'output closed':
      return 128 + constants.signals.SIGPIPE;
  }
}
