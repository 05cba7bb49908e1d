import { err, ok, type Result } from '@podctl/domain/result.ts';
import { backoffMs } from '@podctl/domain/retry.ts';
import { importedModel } from '@podctl/platform/model-folder.ts';
import type {
  Engine,
  EngineFailure,
  LoadedModel,
  RawSegment,
  RawTranscript,
  TranscribeRequest,
} from './engine.ts';
import { EngineProcess, type EngineProcessSpec } from './engine-process.ts';

export interface WhisperOptions {
  /** `auto`, `cpu` or `cuda`. */
  readonly device: string;
  /** `auto`, or one of CTranslate2's. */
  readonly computeType: string;
  readonly batchSize: number;
  /** Where models lie that were imported on this machine; absent: the engine finds all of them. */
  readonly models?: string;
}

const RESTART_BACKOFF = { backoffFirstMs: 500, backoffMaxMs: 30_000 };
const STOP_GRACE_MS = 1_000;

/** Codes after which the process is gone; starting it again waits longer each time, until a request comes out well. */
const DEATHS: readonly EngineFailure['code'][] = [
  'engine_missing',
  'engine_died',
  'engine_silent',
  'engine_babble',
];

/** faster-whisper in a supervised child, started at the first load and again, with back-off, after it died. */
export class WhisperEngine implements Engine {
  readonly #spec: EngineProcessSpec;
  readonly #options: WhisperOptions;
  readonly #random: () => number;
  readonly #stopping = new AbortController();
  #process: EngineProcess | null = null;
  #loaded: LoadedModel | null = null;
  #deaths = 0;
  #said: (line: string) => void;

  constructor(spec: EngineProcessSpec, options: WhisperOptions, random: () => number) {
    this.#spec = spec;
    this.#said = spec.said;
    this.#options = options;
    this.#random = random;
  }

  /** The pid of the process, while there is one. */
  get pid(): number | null {
    return this.#process?.usable ? this.#process.pid : null;
  }

  describe(): string {
    const loaded = this.#loaded;
    if (loaded === null) return 'faster-whisper';
    return `${loaded.engine} ${loaded.engineVersion}, ${loaded.model}, ${loaded.device} ${loaded.computeType}`;
  }

  async load(
    model: string,
    signal: AbortSignal,
    said?: (line: string) => void,
  ): Promise<Result<LoadedModel, EngineFailure>> {
    this.#said = said ?? this.#spec.said;
    const either = AbortSignal.any([signal, this.#stopping.signal]);
    const started = await this.#start(either);
    if (!started.ok) return started;
    const engine = started.value;
    const answer: { loaded: LoadedModel | null } = { loaded: null };
    const { device, computeType, models } = this.#options;
    const path = models === undefined ? null : await importedModel(models, model);
    const failure = await engine.request(
      { kind: 'load', model, path, device, computeType },
      (line) => {
        if (line.kind !== 'loaded') return;
        answer.loaded = { ...line.model, engine: engine.engine, engineVersion: engine.version };
      },
      either,
    );
    // A load that comes out well says nothing yet: an engine that dies at every episode must wait longer each time.
    if (failure !== null) this.#count(failure);
    this.#loaded = answer.loaded;
    if (failure !== null) return err(failure);
    return answer.loaded === null ? err(BABBLE) : ok(answer.loaded);
  }

  async transcribe(
    request: TranscribeRequest,
    onPosition: (seconds: number, durationSeconds: number | null) => void,
    signal: AbortSignal,
  ): Promise<Result<RawTranscript, EngineFailure>> {
    const engine = this.#process;
    if (engine === null)
      return err({ code: 'bad_request', message: 'No model is loaded: call load first.' });
    const segments: RawSegment[] = [];
    const answer: { totals: Omit<RawTranscript, 'segments'> | null } = { totals: null };
    const failure = await engine.request(
      {
        kind: 'transcribe',
        audio: request.audioPath,
        language: request.language,
        batchSize: this.#options.batchSize,
        initialPrompt: request.prompt ?? null,
        hotwords: request.hotwords ?? null,
      },
      (line) => {
        if (line.kind === 'position') onPosition(line.seconds, line.durationSeconds);
        else if (line.kind === 'segment') segments.push(line.segment);
        else if (line.kind === 'done') answer.totals = line.totals;
      },
      AbortSignal.any([signal, this.#stopping.signal]),
    );
    this.#count(failure);
    if (failure !== null) return err(failure);
    return answer.totals === null ? err(BABBLE) : ok({ segments, ...answer.totals });
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the agent is stopping'));
    await this.#process?.stop(STOP_GRACE_MS);
  }

  async #start(signal: AbortSignal): Promise<Result<EngineProcess, EngineFailure>> {
    if (this.#process?.usable) return ok(this.#process);
    this.#process = null;
    this.#loaded = null;
    if (this.#deaths > 0) {
      const waitMs = backoffMs(this.#deaths, RESTART_BACKOFF, this.#random());
      await this.#spec.clock.sleep(waitMs, signal).catch(() => undefined);
    }
    if (signal.aborted) return err({ code: 'cancelled', message: 'The load was cancelled.' });
    const started = await EngineProcess.start(
      { ...this.#spec, said: (line) => this.#said(line) },
      signal,
    );
    if (started.ok) this.#process = started.value;
    else this.#count(started.error);
    return started;
  }

  #count(failure: EngineFailure | null): void {
    if (failure === null) this.#deaths = 0;
    else if (DEATHS.includes(failure.code)) this.#deaths += 1;
  }
}

const BABBLE: EngineFailure = {
  code: 'engine_babble',
  message: 'The engine’s answer was incomplete.',
};
