import type { Clock } from '@podctl/platform/clock.ts';
import type { Service } from '@podctl/platform/service.ts';
import type { Logger } from './logger.ts';

export interface LoopOptions {
  readonly clock: Clock;
  /** A turn comes at least this often. */
  readonly tickMs: number;
  /** And at most this often, however much it is kicked. */
  readonly spacingMs: number;
  /** After a turn that failed the next one comes so late at most, whoever kicks: a second at first, then twice as long each time. */
  readonly restMsMax?: number;
  readonly log: Logger;
}

const REST_FIRST_MS = 1_000;
/** A failure that goes on is said again so often. */
const SAID_EVERY_MS = 60_000;

/**
 * A turn of work on each kick and at each tick, one at a time. A turn that throws is said and the next one comes:
 * every turn starts from what is true then, so none owes the other anything.
 */
export abstract class Loop implements Service {
  readonly name: string;
  readonly #options: LoopOptions;
  readonly #end = new AbortController();
  #kicked = Promise.withResolvers<void>();
  #running: Promise<void> | null = null;
  /** Turns in a row. */
  #failures = 0;
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(name: string, options: LoopOptions) {
    this.name = name;
    this.#options = options;
  }

  protected abstract turn(signal: AbortSignal): Promise<void>;

  async start(): Promise<void> {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#end.abort(new Error(`${this.name} is stopped`));
    await this.#running;
  }

  /** Asks for a turn soon. */
  kick(): void {
    this.#kicked.resolve();
  }

  async #run(): Promise<void> {
    const { clock, spacingMs } = this.#options;
    const { signal } = this.#end;
    while (!signal.aborted) {
      this.#kicked = Promise.withResolvers();
      try {
        await this.turn(signal);
        this.#failures = 0;
      } catch (error) {
        if (!signal.aborted) this.#failed(error);
      }
      await this.#pause(Math.max(spacingMs, this.#restMs()), clock, signal);
    }
  }

  #failed(error: unknown): void {
    const { clock, log } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#failures += 1;
    if (this.#failures > 1 && nowMs - this.#saidMs < SAID_EVERY_MS) return;
    this.#saidMs = nowMs;
    log.warn({ loop: this.name, reason: reasonOf(error) }, 'a turn of a loop failed');
  }

  #restMs(): number {
    const { restMsMax = 0 } = this.#options;
    return this.#failures === 0
      ? 0
      : Math.min(restMsMax, REST_FIRST_MS * 2 ** (this.#failures - 1));
  }

  async #pause(restMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const either = AbortSignal.any([signal, woken.signal]);
    try {
      await clock.sleep(restMs, signal);
      const tick = clock.sleep(Math.max(0, this.#options.tickMs - restMs), either);
      await Promise.race([this.#kicked.promise, tick]);
    } catch {
      // Stopped while it waited.
    } finally {
      woken.abort();
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
