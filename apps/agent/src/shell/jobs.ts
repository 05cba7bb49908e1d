import type { JobToken, ResultOutcome } from '@podctl/domain/protocol.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import type { AgentInput } from '../core/agent-state.ts';
import type { Assignment } from '../core/assignment.ts';
import { failure, returned } from '../core/outcome.ts';

export interface JobContext {
  readonly signal: AbortSignal;
  /** 0 to 1. */
  readonly progress: (fraction: number) => void;
  /** Its lines are of this job. */
  readonly log: Logger;
  /** Shown beside the job while it runs, one sentence. */
  readonly note?: (words: string) => void;
}

/** Does one stage's work into the token's staging folder, the manifest last. Rejects only on bugs and on abort. */
export type Worker = (assignment: Assignment, context: JobContext) => Promise<ResultOutcome>;

interface Running {
  readonly controller: AbortController;
  readonly job: JobToken;
  readonly ended: Promise<void>;
}

/** A line of the log for each tenth of a job. */
const MILESTONES = 10;

/** Runs what the machine has begun, and tells it how each came out: exactly one `done` for each begin. */
export class Jobs {
  readonly #workers: { readonly [S in Stage]: Worker };
  readonly #input: (input: AgentInput) => void;
  readonly #log: Logger;
  readonly #running = new Map<string, Running>();

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
    const { job } = assignment;
    this.#log.info({ ...job, ...workFields(assignment) }, `${job.stage} begins`);
    const ended = this.#run(key, assignment, controller.signal).then((outcome) => {
      this.#running.delete(key);
      this.#tell(assignment, outcome);
      this.#input({ kind: 'done', key, outcome });
    });
    this.#running.set(key, { controller, job, ended });
  }

  cancel(key: string, reason: string): void {
    const running = this.#running.get(key);
    if (running === undefined) return;
    this.#log.info({ ...running.job }, `${running.job.stage} is called off: ${reason}`);
    running.controller.abort(new Error(reason));
  }

  /** Cancels all and waits for their ends. */
  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    for (const { controller } of running) controller.abort(new Error('the agent is stopping'));
    await Promise.all(running.map(({ ended }) => ended));
  }

  async #run(key: string, assignment: Assignment, signal: AbortSignal): Promise<ResultOutcome> {
    const { job } = assignment;
    const log = this.#log.child({ ...job });
    const told = milestones((percent) => log.info({}, `${job.stage} at ${percent} %`));
    const progress = (fraction: number) => {
      told(fraction);
      this.#input({ kind: 'progress', key, fraction });
    };
    try {
      const note = (words: string) => this.#input({ kind: 'note', key, note: words });
      return await this.#workers[job.stage](assignment, { signal, progress, log, note });
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      if (signal.aborted) return returned(words);
      log.error({ err: error }, `A job broke: ${words}`);
      return failure('internal', `The agent's worker broke: ${words}`);
    }
  }

  #tell(assignment: Assignment, outcome: ResultOutcome): void {
    const { job } = assignment;
    if (outcome.kind === 'finished') {
      this.#log.info({ ...job }, `${job.stage} finished`);
      return;
    }
    const { code, reason, retryAfterMs, final, returned: isReturned } = outcome;
    const words = isReturned ? 'handed back' : final ? 'failed for good' : 'failed';
    this.#log.warn({ ...job, code, retryAfterMs }, `${job.stage} ${words}: ${reason}`);
  }
}

/** Never a whole URL: its path may be a secret too. */
function workFields({ work }: Assignment): object {
  if (work.kind === 'download') return { host: URL.parse(work.url)?.host ?? 'unknown' };
  const { audioSeconds } = work;
  return work.kind === 'transcribe' ? { model: work.model, audioSeconds } : { audioSeconds };
}

/** Calls back for each tenth that is passed, once. */
function milestones(passed: (percent: number) => void): (fraction: number) => void {
  let told = 0;
  return (fraction) => {
    const reached = Math.min(MILESTONES, Math.floor(fraction * MILESTONES));
    if (!(reached > told)) return;
    told = reached;
    passed((reached * 100) / MILESTONES);
  };
}
