import type { Result } from '@podctl/domain/result.ts';

/** What turns audio into segments. Owned by the agent; each engine keeps one model loaded and does one request at a time. */
export interface Engine {
  /** Engine, model and device in words, for the hello and the heartbeat. */
  describe(): string;
  /** For so long it should be given no work, since it would fail at once; absent or 0: nothing is against it. */
  readonly restMs?: number;
  /**
   * Starts the engine where it is not running, and loads the model where another one or none is loaded.
   *
   * @param said takes what the engine writes to its stderr, until the next load.
   */
  load(
    model: string,
    signal: AbortSignal,
    said?: (line: string) => void,
  ): Promise<Result<LoadedModel, EngineFailure>>;
  /** `onPosition` gets seconds of audio done, and their sum where it is known. Call after `load`. */
  transcribe(
    request: TranscribeRequest,
    onPosition: (seconds: number, durationSeconds: number | null) => void,
    signal: AbortSignal,
  ): Promise<Result<RawTranscript, EngineFailure>>;
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

export interface TranscribeRequest {
  /** On this machine. */
  readonly audioPath: string;
  /** Null: detect it. */
  readonly language: string | null;
  /** Told before it listens: names and their spelling. */
  readonly prompt?: string | undefined;
  /** Words to expect. */
  readonly hotwords?: string | undefined;
}

export interface LoadedModel {
  readonly engine: string;
  readonly engineVersion: string;
  readonly model: string;
  /** SHA-256 of the weights, hex. */
  readonly revision: string;
  readonly device: string;
  readonly computeType: string;
  /** A sentence for people (a fallback is used), or null. */
  readonly note: string | null;
}

export interface RawTranscript {
  readonly segments: readonly RawSegment[];
  /** Null when there was no speech to tell it by. */
  readonly language: string | null;
  readonly languageProbability: number | null;
  /** As decoded. */
  readonly durationSeconds: number;
  readonly speechSeconds: number;
  readonly elapsedMs: number;
}

/** Times are seconds from the start of the audio. */
export interface RawSegment {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly avgLogprob: number | null;
  readonly noSpeechProb: number | null;
  readonly words: readonly RawWord[];
}

export interface RawWord {
  readonly start: number;
  readonly end: number;
  readonly word: string;
  readonly probability: number | null;
}

export interface EngineFailure {
  readonly code: EngineFailureCode;
  /** The next try on this agent needs less memory: it is worth one at once. */
  readonly smallerNext?: boolean;
  /** One sentence for people. */
  readonly message: string;
}

/**
 * The engine's own codes (apps/agent/engines/engine_error.py), and what its supervisor sees:
 * engine_missing (it cannot be started), engine_died, engine_silent (killed for it), engine_babble (not its protocol).
 */
export const ENGINE_FAILURE_CODES = [
  'bad_request',
  'busy',
  'cancelled',
  'model_missing',
  'device_unavailable',
  'audio_unreadable',
  'out_of_memory',
  'device_failed',
  'internal',
  'engine_missing',
  'engine_died',
  'engine_silent',
  'engine_babble',
] as const;
export type EngineFailureCode = (typeof ENGINE_FAILURE_CODES)[number];
