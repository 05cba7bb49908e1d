import { invariant } from '@podctl/domain/result.ts';
import type { Library } from '@podctl/platform/library.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { CallEnded } from '../../apps/coordinator/src/api/status.ts';
import type { WatchMessage } from '../../apps/coordinator/src/api/watch-frame-map.ts';
import { WatchHub } from '../../apps/coordinator/src/api/watch-hub.ts';
import { HandBuiltFleet } from './hand-built-fleet.ts';

/** The hub never touches the library. */
const noLibrary = {} as Library;

/** A hub over a fleet built by hand, on a clock set by hand. */
export function world() {
  const clock = new ManualClock();
  const fleet = new HandBuiltFleet(clock, noLibrary);
  const bugs: unknown[] = [];
  const hub = new WatchHub(fleet, clock, (error) => bugs.push(error));
  return { clock, fleet, hub, bugs };
}

/** A watcher whose connection takes messages at once, or only when told so. */
export function watcher(hub: WatchHub, intervalMs = 500, resumeToken?: string) {
  const messages: WatchMessage[] = [];
  const call = new AbortController();
  let blocked: (() => void) | null = null;
  let blocking = false;
  const send = (message: WatchMessage, signal: AbortSignal) => {
    messages.push(message);
    if (!blocking) return Promise.resolve();
    return new Promise<void>((resolve, reject) => {
      blocked = resolve;
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  };
  const ended = hub.serve(intervalMs, { send, signal: call.signal }, resumeToken);
  return {
    messages,
    ended,
    token: () => messages.at(-1)?.resumeToken ?? '',
    kinds: () => messages.map(({ message }) => message?.$case),
    leave: () => call.abort(new CallEnded({ kind: 'cancelled', message: 'left' })),
    block: () => {
      blocking = true;
    },
    unblock: () => {
      blocking = false;
      blocked?.();
    },
  };
}

export function delta(message: WatchMessage | undefined) {
  invariant(message?.message?.$case === 'delta', 'the message is a delta');
  return message.message.value;
}
