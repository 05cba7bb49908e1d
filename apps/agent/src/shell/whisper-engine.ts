import { err, ok, type Result } from '@podctl/domain/result.ts';
import { backoffMs } from '@podctl/domain/retry.ts';
import { importedModel } from '@podctl/platform/model-folder.ts';
import { WHISPER_CAPABILITIES } from '../core/engine-capabilities.ts';
import type { EngineFailure } from '../core/engine-failure.ts';
import type { Rung } from '../core/engine-ladder.ts';
import type { LoadedModel, RawSegment, RawTranscript } from '../core/raw-transcript.ts';
import { windowSecondsOf } from '../core/window-length.ts';
import type { TranscribeRequest } from './engine.ts';
import { EngineProcess, type EngineProcessSpec } from './engine-process.ts';
import type { TunableEngine } from './tuned-engine.ts';

export interface WhisperOptions {
  /** `auto`, `cpu` or `cuda`. */
  readonly device: string;
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
  'device_failed',
];
/** Codes after which a process that still lives is not to be trusted: after these an H100 gave errors of other names. */
const POISONS: readonly EngineFailure['code'][] = ['out_of_memory', 'device_failed'];

/** faster-whisper in a supervised child, started at the first load and again, with back-off, after it died. */
export class WhisperEngine implements TunableEngine {
  readonly capabilities = WHISPER_CAPABILITIES;
  readonly #spec: EngineProcessSpec;
  readonly #options: WhisperOptions;
  readonly #random: () => number;
  readonly #stopping = new AbortController();
  #process: EngineProcess | null = null;
  #loaded: LoadedModel | null = null;
  #deaths = 0;
  #rung: Rung = { computeType: 'auto', batchSize: 8 };
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

  /** Holds from the next load on. */
  tune(rung: Rung): void {
    this.#rung = rung;
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
    const { device, models } = this.#options;
    const { computeType } = this.#rung;
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
    if (failure !== null) await this.#blame(failure);
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
        batchSize: this.#rung.batchSize,
        initialPrompt: request.prompt ?? null,
        hotwords: request.hotwords ?? null,
        fromSeconds: request.fromSeconds ?? null,
        toSeconds: request.toSeconds ?? null,
        windowSeconds: this.#windowSeconds(request),
        decoding: request.decoding ?? null,
        languageProbe: request.languageProbe ?? null,
      },
      (line) => {
        if (line.kind === 'position') onPosition(line.seconds, line.durationSeconds);
        else if (line.kind === 'segment') segments.push(line.segment);
        else if (line.kind === 'checkpoint')
          request.onCheckpoint?.({ ...line.totals, segments: [...segments] });
        else if (line.kind === 'done') answer.totals = line.totals;
      },
      AbortSignal.any([signal, this.#stopping.signal]),
    );
    if (failure !== null) {
      await this.#blame(failure);
      return err(failure);
    }
    this.#deaths = 0;
    return answer.totals === null ? err(BABBLE) : ok({ segments, ...answer.totals });
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the agent is stopping'));
    await this.#process?.stop(STOP_GRACE_MS);
  }

  /** Null: all that nobody goes on from is worked on in the engine's own. */
  #windowSeconds({ windowSeconds, onCheckpoint }: TranscribeRequest): number | null {
    if (windowSeconds !== undefined || onCheckpoint === undefined) return windowSeconds ?? null;
    return windowSecondsOf(this.#loaded?.device ?? 'cpu', this.#rung.batchSize);
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
    else await this.#blame(started.error);
    return started;
  }

  async #blame(failure: EngineFailure): Promise<void> {
    if (DEATHS.includes(failure.code)) this.#deaths += 1;
    if (!POISONS.includes(failure.code)) return;
    await this.#process?.stop(0);
    this.#process = null;
    this.#loaded = null;
  }
}

const BABBLE: EngineFailure = {
  code: 'engine_babble',
  message: 'The engine’s answer was incomplete.',
};
