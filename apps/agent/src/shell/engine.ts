import type { Result } from '@podctl/domain/result.ts';
import type { Decoding, LanguageProbe } from '../core/decoding.ts';
import type { EngineCapabilities } from '../core/engine-capabilities.ts';
import type { EngineFailure } from '../core/engine-failure.ts';
import type { LoadedModel, RawTranscript } from '../core/raw-transcript.ts';

/** What turns audio into segments. Owned by the agent; each engine keeps one model loaded and does one request at a time. */
export interface Engine {
  /** Engine, model and device in words, for the hello and the heartbeat. */
  describe(): string;
  /** A wrapper gives its engine's. */
  readonly capabilities: EngineCapabilities;
  /** What the model `auto` stands for; absent: MODEL_DEFAULT. */
  readonly modelDefault?: string;
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
  /** Of the audio: only what lies between is heard, and times stay those of the whole. Absent: its start, its end. */
  readonly fromSeconds?: number | undefined;
  readonly toSeconds?: number | undefined;
  /** Told now and then: all before `durationSeconds` is final, and a request from there on goes on with the same words. */
  readonly onCheckpoint?: ((heard: RawTranscript) => void) | undefined;
  /** Audio is worked on in windows of at most so much, and there is a checkpoint behind each. Absent: the engine's choice. */
  readonly windowSeconds?: number | undefined;
  /** How it listens; absent: as it does by itself. Only where it is capable of `decoding`. */
  readonly decoding?: Decoding | undefined;
  /** Where `language` is null: how it is found out; absent: as the engine does by itself. Only where it is capable of `decoding`. */
  readonly languageProbe?: LanguageProbe | undefined;
}
