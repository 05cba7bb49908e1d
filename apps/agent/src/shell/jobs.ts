import type { ResultOutcome } from '@podctl/domain/protocol.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import type { AgentInput } from '../core/agent-state.ts';
import type { Assignment } from '../core/assignment.ts';

export interface JobContext {
  readonly signal: AbortSignal;
  /** 0 to 1. */
  readonly progress: (fraction: number) => void;
}

/** Does one stage's work into the token's staging folder, the manifest last. Rejects only on bugs and on abort. */
export type Worker = (assignment: Assignment, context: JobContext) => Promise<ResultOutcome>;

/** Runs what the machine has begun, and tells it how each came out: exactly one `done` for each begin. */
export class Jobs {
  readonly #workers: { readonly [S in Stage]: Worker };
  readonly #input: (input: AgentInput) => void;
  readonly #log: Logger;
  readonly #running = new Map<string, { controller: AbortController; ended: Promise<void> }>();

  constructor(
    workers: { readonly [S in Stage]: Worker },
    input: (input: AgentInput) => void,
    log: Logger,
  ) {
    this.#workers = workers;
    this.#input = input;
    this.#log = log;
  }

  begin(key: string, assignment: Assignment): void {
    const controller = new AbortController();
    const ended = this.#run(key, assignment, controller.signal).then((outcome) => {
      this.#running.delete(key);
      this.#tell(assignment, outcome);
      this.#input({ kind: 'done', key, outcome });
    });
    this.#running.set(key, { controller, ended });
  }

  cancel(key: string, reason: string): void {
    this.#running.get(key)?.controller.abort(new Error(reason));
  }

  /** Cancels all and waits for their ends. */
  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    for (const { controller } of running) controller.abort(new Error('the agent is stopping'));
    await Promise.all(running.map(({ ended }) => ended));
  }

  async #run(key: string, assignment: Assignment, signal: AbortSignal): Promise<ResultOutcome> {
    const progress = (fraction: number) => this.#input({ kind: 'progress', key, fraction });
    try {
      return await this.#workers[assignment.job.stage](assignment, { signal, progress });
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      if (signal.aborted) return returned(words);
      this.#log.error({ err: error, ...assignment.job }, `A job broke: ${words}`);
      return failure('internal', `The agent's worker broke: ${words}`);
    }
  }

  #tell(assignment: Assignment, outcome: ResultOutcome): void {
    const { feed, episode, stage, token } = assignment.job;
    const fields = { feed, episode, stage, token };
    if (outcome.kind === 'finished') this.#log.info(fields, `${stage} finished`);
    else this.#log.warn({ ...fields, code: outcome.code }, `${stage} failed: ${outcome.reason}`);
  }
}

export interface FailureDetails {
  readonly retryAfterMs?: number | null;
  readonly final?: boolean;
}

/** `code` is for machines, `reason` one sentence for people. */
export function failure(code: string, reason: string, details: FailureDetails = {}): ResultOutcome {
  const { retryAfterMs = null, final = false } = details;
  return { kind: 'failed', code, reason, retryAfterMs, final, returned: false };
}

/** Given back unharmed: no failure is counted. */
export function returned(
  reason: string,
  code = 'cancelled',
  retryAfterMs: number | null = null,
): ResultOutcome {
  return { kind: 'failed', code, reason, retryAfterMs, final: false, returned: true };
}
