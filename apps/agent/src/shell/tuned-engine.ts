import { err, type Result } from '@podctl/domain/result.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import type { EngineCapabilities } from '../core/engine-capabilities.ts';
import type { EngineFailure } from '../core/engine-failure.ts';
import {
  afterSuccess,
  type Ladder,
  ladderOf,
  type Rung,
  rungOf,
  rungWords,
  stepDown,
} from '../core/engine-ladder.ts';
import type { LoadedModel, RawTranscript } from '../core/raw-transcript.ts';
import type { Engine, TranscribeRequest } from './engine.ts';

/** An engine that reckons as it is told before each load. */
export interface TunableEngine extends Engine {
  tune(rung: Rung): void;
}

export interface TunedEngineOptions {
  readonly engine: TunableEngine;
  /** The GPU that it is for, in words; null: the CPU, or whatever it finds. */
  readonly gpu: string | null;
  readonly firstRung: (model: string) => Rung;
  readonly clock: Clock;
  readonly log: Logger;
  /** It has just become starved. */
  readonly starved: () => void;
}

/** How long a GPU without memory for the smallest step is given no work: others get it meanwhile. */
const STARVED_MS = 120_000;
/** Of models that one agent has been asked for in its life. */
const LADDERS_MAX = 100;

/**
 * An engine with a ladder for each model: what did not fit is tried smaller at the next job, which is most often the same
 * one. The failure says what was tried and what comes next, and that is the attempt's reason in the job's history.
 */
export class TunedEngine implements Engine {
  readonly #options: TunedEngineOptions;
  readonly #ladders = new Map<string, Ladder>();
  #model = '';
  #fallback: string | null = null;
  #starvedUntilMs = 0;

  constructor(options: TunedEngineOptions) {
    this.#options = options;
  }

  get capabilities(): EngineCapabilities {
    return this.#options.engine.capabilities;
  }

  describe(): string {
    return this.#options.engine.describe();
  }

  /** Why its GPU is not used though there is one, a sentence; null: it is, or there is none. */
  get fallback(): string | null {
    return this.#fallback;
  }

  get restMs(): number {
    return Math.max(0, this.#starvedUntilMs - this.#options.clock.monotonicMs());
  }

  /** Why it should be given no work for a while; null: nothing is against it. */
  get starved(): string | null {
    const { gpu } = this.#options;
    if (this.restMs === 0) return null;
    return `${gpu ?? 'this machine'} has too little free memory for ${this.#model}: end what else uses it (nvidia-smi shows what), or take a smaller model`;
  }

  async load(
    model: string,
    signal: AbortSignal,
    said?: (line: string) => void,
  ): Promise<Result<LoadedModel, EngineFailure>> {
    const { engine } = this.#options;
    const starved = this.starved;
    // What was given before the fleet heard of it: back at once, without a try for each episode.
    if (starved !== null) return err({ code: 'out_of_memory', message: `${starved}.` });
    this.#model = model;
    engine.tune(rungOf(this.#ladder()));
    const loaded = await engine.load(model, signal, said);
    if (!loaded.ok) return err(this.#learn(loaded.error, 'load'));
    this.#see(loaded.value);
    return loaded;
  }

  async transcribe(
    request: TranscribeRequest,
    onPosition: (seconds: number, durationSeconds: number | null) => void,
    signal: AbortSignal,
  ): Promise<Result<RawTranscript, EngineFailure>> {
    const heard = await this.#options.engine.transcribe(request, onPosition, signal);
    if (!heard.ok) return err(this.#learn(heard.error, 'transcribe'));
    this.#ladders.set(this.#model, afterSuccess(this.#ladder()));
    return heard;
  }

  async stop(): Promise<void> {
    await this.#options.engine.stop();
  }

  #ladder(): Ladder {
    const known = this.#ladders.get(this.#model);
    if (known !== undefined) return known;
    const { gpu, firstRung } = this.#options;
    const made = ladderOf(firstRung(this.#model), gpu === null ? 'cpu' : 'cuda');
    if (this.#ladders.size >= LADDERS_MAX) this.#ladders.clear();
    this.#ladders.set(this.#model, made);
    return made;
  }

  #learn(failure: EngineFailure, during: 'load' | 'transcribe'): EngineFailure {
    if (failure.code !== 'out_of_memory') return failure;
    const { clock, log } = this.#options;
    const ladder = this.#ladder();
    const next = stepDown(ladder, during);
    const tried = `${this.#model} as ${rungWords(rungOf(ladder))} did not fit: ${whatHappened(failure)}`;
    if (next === null) {
      this.#starvedUntilMs = clock.monotonicMs() + STARVED_MS;
      // From the top the next time: by then the memory may be free again.
      this.#ladders.delete(this.#model);
      const message = `${tried}. Nothing smaller is left to try here.`;
      log.error({}, message);
      this.#options.starved();
      return { code: 'out_of_memory', message };
    }
    this.#ladders.set(this.#model, next);
    const message = `${tried}. The next try here is ${rungWords(rungOf(next))}.`;
    log.warn({}, message);
    return { code: 'out_of_memory', message, smallerNext: true };
  }

  #see({ device, note }: LoadedModel): void {
    const { gpu, log } = this.#options;
    const before = this.#fallback;
    this.#fallback =
      gpu === null || device !== 'cpu'
        ? null
        : `${gpu} is there, and the CPU is used: ${reasonIn(note)}`;
    if (this.#fallback !== null && this.#fallback !== before) log.warn({}, this.#fallback);
  }
}

/** Without the engine's advice: this one follows it. */
function whatHappened({ message }: EngineFailure): string {
  return message.split(';')[0]?.replace(/\.$/, '') ?? message;
}

/** A note may begin with where the model is from. */
function reasonIn(note: string | null): string {
  if (note === null) return 'the engine finds no GPU; "podctl doctor" looks why';
  return note.slice(Math.max(0, note.indexOf('The device cuda')));
}
