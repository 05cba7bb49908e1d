import { withoutSecrets } from '@podctl/platform/redaction.ts';
import { CommandError, EXIT } from '../command-error.ts';
import type { Charge } from './supervised-child.ts';

/** A server that is being started answers within this; who is refused for longer waits for nobody. */
const REFUSED_MS_MAX = 10_000;
/** What says that nothing listens there, or that there is no such host. */
const NOBODY_THERE = /refused|ENOTFOUND|EHOSTUNREACH|ENETUNREACH/i;

export interface NatsWaitOptions {
  /** Of `nats.url`. */
  readonly servers: readonly string[];
  /** Where the coordinator's log lies. */
  readonly logPath: string;
  /** One line for the person. */
  readonly told: (line: string) => void;
}

/**
 * What a coordinator that starts says of a NATS server that somebody else runs: told once, and its start is given up when
 * nobody listens there. States: quiet → in trouble (since the first line of it) → quiet once connected; over when ready.
 */
export class NatsWait {
  readonly #options: NatsWaitOptions;
  readonly #hopeless = new AbortController();
  #trouble: { readonly sinceMs: number; readonly reason: string } | null = null;
  #toldReason = '';
  #over = false;

  constructor(options: NatsWaitOptions) {
    this.#options = options;
  }

  /** Takes each line of the coordinator's log; `nowMs` is monotonic. */
  heard(line: string, nowMs: number): void {
    const entry = this.#over ? null : entryOf(line);
    if (entry === null) return;
    if (entry.msg === 'NATS is connected') this.#trouble = null;
    if (entry.msg === 'trouble with NATS') this.#inTrouble(entry.reason, nowMs);
  }

  /** The charge, whose first start ends early when nobody listens. */
  during(charge: Charge): Charge {
    return {
      ...charge,
      ready: async (signal) => {
        await charge.ready(this.#over ? signal : AbortSignal.any([signal, this.#hopeless.signal]));
        this.#over = true;
      },
      lateFor: () => (this.#trouble === null ? null : this.#sentence(this.#trouble.reason)),
    };
  }

  #inTrouble(reason: string, nowMs: number): void {
    const sinceMs = this.#trouble?.sinceMs ?? nowMs;
    this.#trouble = { sinceMs, reason };
    if (reason !== this.#toldReason)
      this.#options.told(`waiting for NATS at ${this.#place()}: ${reason}`);
    this.#toldReason = reason;
    if (NOBODY_THERE.test(reason) && nowMs - sinceMs >= REFUSED_MS_MAX)
      this.#hopeless.abort(new CommandError(EXIT.failed, this.#sentence(reason)));
  }

  #sentence(reason: string): string {
    return `no NATS server could be reached at ${this.#place()} (${reason}); start it, or leave nats.url out so that podctl starts one; the log is ${this.#options.logPath}`;
  }

  #place(): string {
    return this.#options.servers.map(withoutSecrets).join(', ');
  }
}

function entryOf(line: string): { readonly msg: string; readonly reason: string } | null {
  try {
    const { msg, reason } = JSON.parse(line) as { msg?: unknown; reason?: unknown };
    return { msg: String(msg), reason: String(reason ?? 'no reason given').slice(0, 200) };
  } catch {
    return null;
  }
}
