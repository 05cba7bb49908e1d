import type { Clock } from '@podctl/platform/clock.ts';
import type { Service } from '@podctl/platform/service.ts';
import type { Logger } from './logger.ts';

export interface LoopOptions {
  readonly clock: Clock;
  /** A turn comes at least this often. */
  readonly tickMs: number;
  /** And at most this often, however much it is kicked. */
  readonly spacingMs: number;
  readonly log: Logger;
}

/**
 * A turn of work on each kick and at each tick, one at a time. A turn that throws is logged and the next one comes:
 * every turn starts from what is true then, so none owes the other anything.
 */
export abstract class Loop implements Service {
  readonly name: string;
  readonly #options: LoopOptions;
  readonly #end = new AbortController();
  #kicked = Promise.withResolvers<void>();
  #running: Promise<void> | null = null;

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
    const { clock, spacingMs, log } = this.#options;
    const { signal } = this.#end;
    while (!signal.aborted) {
      this.#kicked = Promise.withResolvers();
      try {
        await this.turn(signal);
      } catch (error) {
        if (!signal.aborted)
          log.warn({ loop: this.name, reason: reasonOf(error) }, 'a turn of a loop failed');
      }
      await this.#pause(spacingMs, clock, signal);
    }
  }

  async #pause(spacingMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const either = AbortSignal.any([signal, woken.signal]);
    try {
      await clock.sleep(spacingMs, signal);
      const tick = clock.sleep(this.#options.tickMs - spacingMs, either);
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
