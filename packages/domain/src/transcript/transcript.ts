/** One word as the engine heard it. Times are seconds from the start of the audio. */
export interface TranscriptWord {
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** With the space before it, if the language writes one: words are joined as they are. */
  readonly text: string;
  /** 0 to 1: how sure the engine is of it. Null when it does not say. */
  readonly probability: number | null;
}

export interface TranscriptSegment {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly text: string;
  /** Mean natural logarithm of the probabilities of its tokens. Null when the engine does not say. */
  readonly avgLogprob: number | null;
  /** 0 to 1: how likely the engine takes it that nobody speaks there. Null when it does not say. */
  readonly noSpeechProbability: number | null;
  /** Empty when the engine gave no times of words. */
  readonly words: readonly TranscriptWord[];
}

/** What made the transcript, of what, where and when: enough to make it again, or to know which ones to. */
export interface Provenance {
  readonly engine: string;
  readonly engineVersion: string;
  readonly model: string;
  readonly modelRevision: string;
  readonly computeType: string;
  readonly device: string;
  /** All that decided what was heard and is not the engine's version or the model: decoding, batch, VAD, language and texts asked for. */
  readonly parameters: Readonly<Record<string, string | number | boolean | null>>;
  /** Of the audio file, lower-case hex. */
  readonly audioSha256: string;
  readonly agent: string;
  /** Epoch milliseconds by the agent's clock. */
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  /** Who heard which part, in order, where more than one attempt did; the rest tells of the last one. */
  readonly parts?: readonly TranscriptPart[];
}

export interface TranscriptPart {
  readonly agent: string;
  readonly device: string;
  readonly computeType: string;
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/** What an engine heard in one audio file. */
export interface Transcript {
  /** ISO 639-1, as the engine names it. */
  readonly language: string;
  /** Null when the language was given, not detected. */
  readonly languageProbability: number | null;
  /** Of the audio, as decoded. */
  readonly durationSeconds: number;
  /** In the order of time. */
  readonly segments: readonly TranscriptSegment[];
  readonly provenance: Provenance;
}
