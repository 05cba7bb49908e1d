import { err, type Result } from '@podctl/domain/result.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { EngineCapabilities } from '../core/engine-capabilities.ts';
import type { EngineFailure } from '../core/engine-failure.ts';
import type { Rung } from '../core/engine-ladder.ts';
import { doubt, type EngineSpeed, learn, UNMEASURED } from '../core/engine-speed.ts';
import type { LoadedModel, RawTranscript } from '../core/raw-transcript.ts';
import { type TimeLimits, timeLimits } from '../core/time-limits.ts';
import { beginWatch, look, moved } from '../core/watched-time.ts';
import type { Engine, TranscribeRequest } from './engine.ts';
import { MODEL_DEFAULT } from './hearing.ts';
import type { TunableEngine } from './tuned-engine.ts';

const TICK_MS = 5_000;
/** Of models and rungs that one agent has been asked for in its life. */
const SPEEDS_MAX = 100;
const BATCH_SIZE_UNKNOWN = 8;

export interface LimitedEngineOptions {
  /** Tuned where it can be. */
  readonly engine: Engine & Partial<TunableEngine>;
  readonly clock: Clock;
  /** Told when a request begins and when it is over. */
  readonly working?: (isAtWork: boolean) => void;
}

/**
 * Any engine with limits on each request, made of the audio's length and the speed that the engine has shown with this model
 * and rung: a soft one is told, a hard one and a standstill end the request and the engine's process. What is measured is kept
 * for the agent's life.
 */
export class LimitedEngine implements TunableEngine {
  readonly #engine: LimitedEngineOptions['engine'];
  readonly #clock: Clock;
  readonly #working: (isAtWork: boolean) => void;
  readonly #speeds = new Map<string, EngineSpeed>();
  #rung: Rung | null = null;
  #loaded = '';
  /** Some engines never say how far they are: of those it is no sign of anything. */
  #tellsPositions = false;

  constructor({ engine, clock, working = () => undefined }: LimitedEngineOptions) {
    this.#working = working;
    this.#engine = engine;
    this.#clock = clock;
  }

  describe(): string {
    return this.#engine.describe();
  }

  get capabilities(): EngineCapabilities {
    return this.#engine.capabilities;
  }

  get modelDefault(): string {
    return this.#engine.modelDefault ?? MODEL_DEFAULT;
  }

  get restMs(): number {
    return this.#engine.restMs ?? 0;
  }

  tune(rung: Rung): void {
    this.#rung = rung;
    this.#engine.tune?.(rung);
  }

  async load(
    model: string,
    signal: AbortSignal,
    said?: (line: string) => void,
  ): Promise<Result<LoadedModel, EngineFailure>> {
    const loaded = await this.#engine.load(model, signal, said);
    if (loaded.ok) {
      const { engine, model: name, device, computeType } = loaded.value;
      this.#loaded = `${engine} ${name} ${device} ${computeType} ${this.#rung?.batchSize ?? ''}`;
    }
    return loaded;
  }

  async transcribe(
    request: TranscribeRequest,
    onPosition: (seconds: number, durationSeconds: number | null) => void,
    signal: AbortSignal,
  ): Promise<Result<RawTranscript, EngineFailure>> {
    // Another way to listen has another pace: a sequential pass takes many times as long as one in batches.
    const key = `${this.#loaded} ${JSON.stringify(request.decoding ?? null)}`;
    const watch = new Watch(this.#clock, this.#tellsPositions, (audioSeconds) =>
      this.#limits(key, lengthOf(request, audioSeconds)),
    );
    const watching = watch.run(request.onSlow);
    this.#working(true);
    const heard = await this.#engine
      .transcribe(
        request,
        (seconds, durationSeconds) => {
          this.#tellsPositions = this.capabilities.positions === 'heard';
          watch.position(durationSeconds, this.#tellsPositions);
          onPosition(seconds, durationSeconds);
        },
        AbortSignal.any([signal, watch.ended]),
      )
      .finally(() => {
        watch.stop();
        this.#working(false);
      });
    await watching;
    if (heard.ok) {
      this.#keep(key, learn(this.#speed(key), heard.value));
      return heard;
    }
    const { failure } = watch;
    if (failure === null || signal.aborted) return heard;
    this.#keep(key, doubt(this.#speed(key)));
    await this.#engine.unload?.();
    return err(failure);
  }

  async prepare(audioPath: string): Promise<void> {
    await this.#engine.prepare?.(audioPath);
  }

  async unload(): Promise<void> {
    await this.#engine.unload?.();
  }

  async stop(): Promise<void> {
    await this.#engine.stop();
  }

  #limits(key: string, audioSeconds: number | null): TimeLimits {
    const batchSize = this.#rung?.batchSize ?? BATCH_SIZE_UNKNOWN;
    return timeLimits(this.#speed(key), { audioSeconds, batchSize });
  }

  #speed(key: string): EngineSpeed {
    return this.#speeds.get(key) ?? UNMEASURED;
  }

  #keep(key: string, speed: EngineSpeed): void {
    if (!this.#speeds.has(key) && this.#speeds.size >= SPEEDS_MAX) this.#speeds.clear();
    this.#speeds.set(key, speed);
  }
}

/** Looks at one request again and again until it is over, or over a limit. */
class Watch {
  readonly #clock: Clock;
  readonly #over = new AbortController();
  readonly #limit = new AbortController();
  readonly #limitsFor: (audioSeconds: number | null) => TimeLimits;
  #time;
  #limits: TimeLimits;
  #tellsPositions: boolean;
  #failure: EngineFailure | null = null;

  constructor(
    clock: Clock,
    tellsPositions: boolean,
    limitsFor: (audioSeconds: number | null) => TimeLimits,
  ) {
    this.#clock = clock;
    this.#tellsPositions = tellsPositions;
    this.#limitsFor = limitsFor;
    this.#limits = limitsFor(null);
    this.#time = beginWatch(clock.monotonicMs());
  }

  /** Aborted when a limit is reached. */
  get ended(): AbortSignal {
    return this.#limit.signal;
  }

  get failure(): EngineFailure | null {
    return this.#failure;
  }

  /** @param isHeard else it is told by the clock, and says nothing of the engine. */
  position(durationSeconds: number | null, isHeard: boolean): void {
    if (!this.#tellsPositions || this.#limits.hardMs === null)
      this.#limits = this.#limitsFor(durationSeconds);
    if (!isHeard) return;
    this.#tellsPositions = true;
    this.#time = moved(this.#time, this.#clock.monotonicMs(), TICK_MS);
  }

  stop(): void {
    this.#over.abort();
  }

  async run(onSlow: ((words: string) => void) | undefined): Promise<void> {
    let isTold = false;
    for (;;) {
      await this.#clock.sleep(TICK_MS, this.#over.signal).catch(() => undefined);
      if (this.#over.signal.aborted) return;
      this.#time = look(this.#time, this.#clock.monotonicMs(), TICK_MS);
      this.#failure = this.#overLimit();
      if (this.#failure !== null) return this.#limit.abort(new Error(this.#failure.message));
      const { softMs } = this.#limits;
      if (isTold || softMs === null || this.#time.totalMs < softMs) continue;
      isTold = true;
      onSlow?.(slowWords(this.#time.totalMs, this.#limits));
    }
  }

  #overLimit(): EngineFailure | null {
    const { totalMs, quietMs } = this.#time;
    const { hardMs, quietMs: quietMsMax } = this.#limits;
    if (hardMs !== null && totalMs >= hardMs)
      return {
        code: 'engine_slow',
        message: `The engine was not through after ${span(totalMs)}, many times what it needs for so much audio, and was ended.`,
      };
    if (this.#tellsPositions && quietMs >= quietMsMax)
      return {
        code: 'engine_stuck',
        message: `The engine came no further for ${span(quietMs)}, three times what it needs for a batch, and was ended.`,
      };
    return null;
  }
}

/** Of the part that is asked for. */
function lengthOf(
  { audioSeconds, fromSeconds = 0, toSeconds }: TranscribeRequest,
  claimed: number | null,
): number | null {
  const end = toSeconds ?? audioSeconds ?? claimed;
  return end === null ? null : Math.max(0, end - fromSeconds);
}

function slowWords(totalMs: number, { hardMs }: TimeLimits): string {
  const end = hardMs === null ? '' : `; after ${span(hardMs)} it is ended`;
  return `The engine is slower than expected: ${span(totalMs)} so far${end}`;
}

function span(ms: number): string {
  return ms < 600_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`;
}
