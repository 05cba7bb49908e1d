/** The stages of an episode. A new stage is a row here plus a worker in the agent: docs/stages.md. */
export const STAGES = ['download', 'transcribe', 'score'] as const;
export type Stage = (typeof STAGES)[number];

/** What any stage's figure may be at most. */
export const FIGURE_MAX = 1_000_000;

export interface StageRow {
  /** Its field in an episode's value: one letter that no other stage ever had. */
  readonly code: string;
  /** The accepted result that it works on; null when it needs none. */
  readonly input: StageInput | null;
  /**
   * A newer result of its input has it done anew, by the very write that makes the result known. For what costs little: an
   * hour of a GPU is for a person to ask for.
   */
  readonly followsInput: boolean;
  /**
   * Nobody waits for it: a feed is done, and an episode is, without it. Every episode wants it, those of before it came as
   * well; what is new of them says nothing of it, so that it takes no room until it is done.
   */
  readonly aside: boolean;
  /** The detail of its manifest that the episode's state keeps, a number from 0 up to `max`; null: none. */
  readonly figure: StageFigure | null;
}

export interface StageFigure {
  readonly detail: string;
  readonly max: number;
}

export interface StageInput {
  readonly stage: Stage;
  /** What the name of the file begins with, among those of that stage. */
  readonly file: string;
  /** For people. */
  readonly word: string;
}

export const STAGE_ROWS: { readonly [S in Stage]: StageRow } = {
  download: { code: 'd', input: null, followsInput: false, aside: false, figure: null },
  transcribe: {
    code: 't',
    input: { stage: 'download', file: 'audio.', word: 'audio' },
    followsInput: false,
    aside: false,
    figure: { detail: 'quality', max: 1 },
  },
  score: {
    code: 's',
    input: { stage: 'transcribe', file: 'transcript.json', word: 'transcript' },
    followsInput: true,
    aside: true,
    figure: { detail: 'bookWeight', max: FIGURE_MAX },
  },
};

/** The stage whose accepted result this one works on; null when it needs none. */
export const STAGE_INPUT: { readonly [S in Stage]: Stage | null } = byStage(
  (stage) => STAGE_ROWS[stage].input?.stage ?? null,
);

/** Those that an episode is done with. */
export const MAIN_STAGES: readonly Stage[] = STAGES.filter((stage) => !STAGE_ROWS[stage].aside);
export const ASIDE_STAGES: readonly Stage[] = STAGES.filter((stage) => STAGE_ROWS[stage].aside);

export function isStage(text: string): text is Stage {
  return (STAGES as readonly string[]).includes(text);
}

/** One value for each stage. */
export function byStage<T>(of: (stage: Stage) => T): { [S in Stage]: T } {
  return Object.fromEntries(STAGES.map((stage) => [stage, of(stage)])) as { [S in Stage]: T };
}
