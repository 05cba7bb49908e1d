import { watchParent } from '@podctl/platform/child/parent-watch.ts';
import { CommandError, EXIT } from '../command-error.ts';

/** Why `up` ends: the first reason counts. A second request to stop forces. */
export interface Stopping {
  /** Aborted with a CommandError, or with `LEFT` when the person left by the key. */
  readonly signal: AbortSignal;
  /** Ends `up` for this reason; safe at any time. */
  end(reason: CommandError | typeof LEFT): void;
  /** Takes the signal handlers away. */
  dispose(): void;
}

export const LEFT = 'left';

/** npm and `timeout` signal a process and then its whole group: what comes so soon is the same request. */
const SAME_REQUEST_MS = 200;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Ctrl-C, TERM, HUP and the death of the parent all ask to stop, at any moment from now on.
 * `force` is called at the second one: it must end the process.
 */
export function listenForStop(force: (exitCode: number) => void): Stopping {
  const controller = new AbortController();
  let endedAtMs = 0;
  const end = (reason: CommandError | typeof LEFT) => {
    if (controller.signal.aborted) return;
    endedAtMs = performance.now();
    controller.abort(reason);
  };
  const onSignal = (signal: NodeJS.Signals) => {
    const interrupted = signal === 'SIGINT';
    const exitCode = interrupted ? EXIT.interrupted : EXIT.terminated;
    const again = controller.signal.aborted && performance.now() - endedAtMs > SAME_REQUEST_MS;
    if (again) force(exitCode);
    end(new CommandError(exitCode, interrupted ? 'interrupted' : `stopped by ${signal}`));
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  watchParent(() => end(new CommandError(EXIT.terminated, 'the process that started it is gone')));
  return {
    signal: controller.signal,
    end,
    dispose() {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
