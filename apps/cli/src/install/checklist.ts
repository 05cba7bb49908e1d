import { type CommandError, commandErrorFrom } from '../command-error.ts';
import { type Effect, effectLines } from './effect.ts';

/** What a step finds before anything is changed. */
export type Look =
  | { readonly state: 'done'; readonly seen: string }
  | { readonly state: 'todo'; readonly missing: string };

/** One step of a checklist: it can be looked at and done again at any time. */
export interface Step {
  readonly id: string;
  readonly title: string;
  /** Changes nothing. Rejects with CommandError when it cannot go on: what was seen, and the next step. */
  look(): Promise<Look>;
  /** What `act` would change, for `--dry-run`. */
  effects(): readonly Effect[];
  /** Does what is missing, and gives what was done. Rejects with CommandError. */
  act(tell: (progress: string) => void): Promise<string>;
}

export type StepState = 'ok' | 'changed' | 'failed' | 'not-done';

export interface StepOutcome {
  readonly id: string;
  readonly title: string;
  readonly state: StepState;
  readonly note: string;
}

export interface ChecklistView {
  /** How far the step at work is, when it takes longer. */
  progress(text: string): void;
  settled(outcome: StepOutcome, number: number, count: number): void;
}

export interface ChecklistResult {
  readonly steps: readonly StepOutcome[];
  /** Why it stopped; null when every step is done. */
  readonly failure: CommandError | null;
}

/** Shorter steps need no word before they are done. */
const SILENT_MS_MAX = 2_000;
const TICK_MS = 1_000;

/**
 * Runs the steps in order until one fails: those after it are shown as not done. A step that is done is left alone, so
 * that a second run repairs what is missing and changes nothing else.
 */
export async function runChecklist(
  steps: readonly Step[],
  view: ChecklistView,
  signal: AbortSignal,
): Promise<ChecklistResult> {
  const outcomes: StepOutcome[] = [];
  let failure: CommandError | null = null;
  for (const [i, step] of steps.entries()) {
    const { id, title } = step;
    const settle = (state: StepState, note: string) => {
      const outcome = { id, title, state, note };
      outcomes.push(outcome);
      view.settled(outcome, i + 1, steps.length);
    };
    if (failure !== null) {
      settle('not-done', 'not done');
      continue;
    }
    try {
      signal.throwIfAborted();
      const [state, note] = await withProgress(step, view);
      settle(state, note);
    } catch (error) {
      failure = commandErrorFrom(signal.aborted ? signal.reason : error);
      settle('failed', failure.message);
    }
  }
  return { steps: outcomes, failure };
}

/** Says each second that a step still runs, once it has been silent for 2 s. */
async function withProgress(step: Step, view: ChecklistView): Promise<['ok' | 'changed', string]> {
  const startedMs = performance.now();
  let toldMs = startedMs;
  const tell = (text: string) => {
    toldMs = performance.now();
    view.progress(text);
  };
  const timer = setInterval(() => {
    const nowMs = performance.now();
    if (nowMs - toldMs < SILENT_MS_MAX) return;
    view.progress(`  ${step.title}: ${Math.floor((nowMs - startedMs) / 1_000)} s`);
  }, TICK_MS);
  try {
    const look = await step.look();
    return look.state === 'done' ? ['ok', look.seen] : ['changed', await step.act(tell)];
  } finally {
    clearInterval(timer);
  }
}

/** What each step finds, and what it would change: lines for a person. Nothing is changed. */
export async function dryRun(steps: readonly Step[]): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const [i, step] of steps.entries()) {
    const look = await lookSafely(step);
    lines.push(
      `${i + 1}. ${step.title}: ${look.state === 'done' ? `done: ${look.seen}` : look.missing}`,
    );
    if (look.state === 'todo')
      for (const effect of step.effects())
        lines.push(...effectLines(effect).map((line) => `   ${line}`));
  }
  return lines;
}

async function lookSafely(step: Step): Promise<Look> {
  try {
    return await step.look();
  } catch (error) {
    return { state: 'todo', missing: commandErrorFrom(error).message };
  }
}

/** `ok`, `did`, `FAIL`, `-`: never by colour alone. */
const MARKS: Readonly<Record<StepState, string>> = {
  ok: 'ok',
  changed: 'did',
  failed: 'FAIL',
  'not-done': '-',
};

export function outcomeLine(
  { state, title, note }: StepOutcome,
  number: number,
  count: number,
): string {
  const place = `${String(number).padStart(String(count).length)}/${count}`;
  return `${place} ${MARKS[state].padEnd(4)} ${title}: ${note}`;
}
