import type { Result } from '@podctl/domain/result.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { EngineCapabilities } from '../core/engine-capabilities.ts';
import type { EngineFailure } from '../core/engine-failure.ts';
import type { Rung } from '../core/engine-ladder.ts';
import type { LoadedModel, RawTranscript } from '../core/raw-transcript.ts';
import type { Engine, TranscribeRequest } from './engine.ts';
import { MODEL_DEFAULT } from './hearing.ts';
import type { TunableEngine } from './tuned-engine.ts';

export interface RestingEngineOptions {
  readonly engine: Engine & Partial<TunableEngine>;
  readonly clock: Clock;
  /** Null: the model stays loaded. */
  readonly unloadAfterMs: number | null;
  readonly unloaded: (words: string) => void;
}

/**
 * An engine that gives its memory back when nothing was asked of it for a while: others may want the GPU. The next load
 * brings it back.
 *
 * States: at work (a request) → resting (a timer runs) → unloaded, until the next load. Never true: unloaded while at work.
 */
export class RestingEngine implements TunableEngine {
  readonly #options: RestingEngineOptions;
  #atWork = 0;
  #rest: AbortController | null = null;
  #unloading: Promise<void> = Promise.resolve();
  #isUnloaded = false;
  /** What the load of before was asked for. */
  #asked: { readonly model: string; readonly said?: (line: string) => void } | null = null;
  #isStopped = false;

  constructor(options: RestingEngineOptions) {
    this.#options = options;
  }

  describe(): string {
    const words = this.#options.engine.describe();
    return this.#isUnloaded ? `${words}, ${this.#why()}` : words;
  }

  get capabilities(): EngineCapabilities {
    return this.#options.engine.capabilities;
  }

  get modelDefault(): string {
    return this.#options.engine.modelDefault ?? MODEL_DEFAULT;
  }

  get restMs(): number {
    return this.#options.engine.restMs ?? 0;
  }

  tune(rung: Rung): void {
    this.#options.engine.tune?.(rung);
  }

  async load(
    model: string,
    signal: AbortSignal,
    said?: (line: string) => void,
  ): Promise<Result<LoadedModel, EngineFailure>> {
    this.#asked = { model, ...(said === undefined ? {} : { said }) };
    return this.#working(async () => {
      await this.#unloading;
      this.#isUnloaded = false;
      return this.#options.engine.load(model, signal, said);
    });
  }

  async transcribe(
    request: TranscribeRequest,
    onPosition: (seconds: number, durationSeconds: number | null) => void,
    signal: AbortSignal,
  ): Promise<Result<RawTranscript, EngineFailure>> {
    return this.#working(async () => {
      // What lies between a load and its request, a checkpoint that is read, may take longer than the rest.
      if (this.#isUnloaded && this.#asked !== null) {
        const loaded = await this.load(this.#asked.model, signal, this.#asked.said);
        if (!loaded.ok) return loaded;
      }
      return this.#options.engine.transcribe(request, onPosition, signal);
    });
  }

  async prepare(audioPath: string): Promise<void> {
    if (!this.#isUnloaded) await this.#options.engine.prepare?.(audioPath);
  }

  async unload(): Promise<void> {
    await this.#options.engine.unload?.();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#rest?.abort();
    await this.#unloading;
    await this.#options.engine.stop();
  }

  async #working<T>(work: () => Promise<T>): Promise<T> {
    this.#atWork += 1;
    this.#rest?.abort();
    try {
      return await work();
    } finally {
      this.#atWork -= 1;
      if (this.#atWork === 0 && !this.#isStopped) void this.#restAWhile();
    }
  }

  async #restAWhile(): Promise<void> {
    const { clock, unloadAfterMs, engine, unloaded } = this.#options;
    if (unloadAfterMs === null || engine.unload === undefined) return;
    const rest = new AbortController();
    this.#rest = rest;
    await clock.sleep(unloadAfterMs, rest.signal).catch(() => undefined);
    if (rest.signal.aborted) return;
    this.#isUnloaded = true;
    this.#unloading = engine.unload();
    unloaded(`The model is ${this.#why()}; the next job loads it again`);
  }

  #why(): string {
    const minutes = Math.round(((this.#options.unloadAfterMs ?? 0) / 60_000) * 10) / 10;
    return `unloaded after ${minutes} min without work`;
  }
}
