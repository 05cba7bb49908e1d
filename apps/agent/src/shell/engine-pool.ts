import { invariant } from '@podctl/domain/result.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { Engine } from './engine.ts';

/**
 * The engines that do nothing, one a slot. One that has no memory gets work only when all are so: else each job of the queue
 * in turn would be given to it and come back at once, while the others are busy.
 */
export class EnginePool {
  readonly #engines: readonly Engine[];
  readonly #clock: Clock;
  readonly #free: Engine[];
  #changed = Promise.withResolvers<void>();

  constructor(engines: readonly Engine[], clock: Clock) {
    this.#engines = engines;
    this.#clock = clock;
    this.#free = [...engines];
  }

  /** Waits for one with memory, at most as long as the others lack it. Rejects with the signal's reason. */
  async take(signal: AbortSignal): Promise<Engine> {
    for (;;) {
      signal.throwIfAborted();
      const isHopeless = this.#engines.every((engine) => restOf(engine) > 0);
      const at = this.#free.findLastIndex((engine) => isHopeless || restOf(engine) === 0);
      const [engine] = at === -1 ? [] : this.#free.splice(at, 1);
      if (engine !== undefined) return engine;
      invariant(this.#free.length > 0, 'there is an engine for every slot');
      await this.#change(Math.min(...this.#free.map(restOf)), signal);
    }
  }

  give(engine: Engine): void {
    this.#free.push(engine);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async #change(ms: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const late = this.#clock.sleep(ms, AbortSignal.any([signal, over.signal]));
    try {
      await Promise.race([this.#changed.promise, late]);
    } finally {
      over.abort();
    }
  }
}

function restOf({ restMs = 0 }: Engine): number {
  return restMs;
}
