import type { LanguageWay, ProbedLanguage } from './decoding.ts';

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
  /** Absent where no probe was asked for, or it found no speech. */
  readonly languageBy?: LanguageWay | undefined;
  /** What each look heard. */
  readonly languageProbes?: readonly ProbedLanguage[] | undefined;
  /** As decoded. */
  readonly durationSeconds: number;
  readonly speechSeconds: number;
  readonly elapsedMs: number;
  /** All that decided what was heard, as the engine says that it used it; absent where it does not say. */
  readonly parameters?: EngineParameters | undefined;
  /** Who heard which part of it, in order; absent where one attempt heard all. */
  readonly parts?: readonly HeardPart[];
}

/** What one attempt heard: the times are seconds of the audio. */
export interface HeardPart {
  readonly agent: string;
  readonly device: string;
  readonly computeType: string;
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly elapsedMs: number;
}

export type EngineParameters = Readonly<Record<string, string | number | boolean | null>>;

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
