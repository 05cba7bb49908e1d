import { watchParent } from '@podctl/platform/child/parent-watch.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { endError } from '../end-signal.ts';

/** Why `up` ends: the first reason counts. A second request to stop forces. */
export interface Stopping {
  /** Aborted with a CommandError, or with `LEFT` when the person left by the key. */
  readonly signal: AbortSignal;
  /** Ends `up` for this reason; safe at any time. */
  end(reason: CommandError | typeof LEFT): void;
  /** The newest signal that asked; SIGHUP when the parent did, by its death: nobody waits any more. */
  asked(): (typeof SIGNALS)[number];
  /** From now on further requests go to `next`, and force nothing. */
  onAgain(next: () => void): void;
  /** Takes the signal handlers away. */
  dispose(): void;
}

export const LEFT = 'left';

/** npm and `timeout` signal a process and then its whole group: what comes so soon is the same request. More than an app's own (lifecycle.ts): what counts here counts there. */
const SAME_REQUEST_MS = 500;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Ctrl-C, TERM, HUP and the death of the parent all ask to stop, at any moment from now on.
 * `force` is called at the second one: it must end the process.
 */
export function listenForStop(force: (exitCode: number) => void): Stopping {
  const controller = new AbortController();
  let askedAtMs = 0;
  let newest: (typeof SIGNALS)[number] = 'SIGHUP';
  let next: (exitCode: number) => void = force;
  const end = (reason: CommandError | typeof LEFT) => {
    if (controller.signal.aborted) return;
    askedAtMs = performance.now();
    controller.abort(reason);
  };
  const onSignal = (signal: (typeof SIGNALS)[number]) => {
    if (controller.signal.aborted && performance.now() - askedAtMs <= SAME_REQUEST_MS) return;
    askedAtMs = performance.now();
    newest = signal;
    const error = endError(signal);
    if (controller.signal.aborted) next(error.exitCode);
    else end(error);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  watchParent(() => end(new CommandError(EXIT.terminated, 'the process that started it is gone')));
  return {
    signal: controller.signal,
    end,
    asked: () => newest,
    onAgain(own) {
      next = own;
    },
    dispose() {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
