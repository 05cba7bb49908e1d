/** What is not given is as the engine does it by itself. */
export interface Decoding {
  /** One window after the other instead of many at a time: only so a window that fails is tried again. */
  readonly sequential?: boolean;
  readonly beamSize?: number;
  /** Tried in this order where a window comes out as a loop, or doubtful; 0 to 1. */
  readonly temperature?: readonly number[];
  /** Whether the text before is told to the model: a loop goes on by it. Of a sequential pass. */
  readonly conditionOnPreviousText?: boolean;
  /** From which probability on it is speech, 0 to 1. */
  readonly vadThreshold?: number;
}

/** How the language is found out. */
export interface LanguageProbe {
  /** It listens from here on, behind the jingle; in a short file from a tenth of it. */
  readonly offsetSeconds: number;
  /** Below this it listens further in, twice, and takes what most of the three say. */
  readonly confidenceMin: number;
  /** Taken where nothing is sure; absent: the most probable. */
  readonly hint?: string | undefined;
}

/**
 * How the language was found: `probe`, one look was sure; `majority`, of several that were not; `hint`, what was heard in
 * its feed before; `most_probable`, as a last resort.
 */
export const LANGUAGE_WAYS = ['probe', 'majority', 'hint', 'most_probable'] as const;
export type LanguageWay = (typeof LANGUAGE_WAYS)[number];

/** One look at what is spoken. */
export interface ProbedLanguage {
  readonly atSeconds: number;
  readonly language: string;
  readonly probability: number;
}
