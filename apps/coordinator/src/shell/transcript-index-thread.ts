import { Worker } from 'node:worker_threads';
import type {
  IndexCall,
  IndexCalls,
  IndexFault,
  IndexReply,
  IndexThreadData,
} from './transcript-index-worker.ts';

export interface IndexThreadOptions extends IndexThreadData {
  readonly name: string;
  /** For one call; the thread is ended and started anew after it. */
  readonly callMsMax: number;
  /** Calls that may wait. */
  readonly queueMax: number;
}

/** `slow`: it took longer than it may. `busy`: too many wait. `stopped`: nothing is asked any more. */
export type IndexProblem = IndexFault | 'slow' | 'busy' | 'stopped';

export class IndexError extends Error {
  readonly problem: IndexProblem;

  constructor(problem: IndexProblem, message: string) {
    super(message);
    this.name = 'IndexError';
    this.problem = problem;
  }
}

interface Job {
  readonly call: IndexCall;
  readonly settle: (reply: IndexReply | IndexError) => void;
}

interface Running {
  readonly job: Job;
  readonly worker: Worker;
  readonly timer: NodeJS.Timeout;
}

const CLOSE_MS_MAX = 2_000;
const HEAP_MEGABYTES_MAX = 1_024;

/**
 * Asks the index on a thread of its own, one call at a time, since SQLite blocks the thread that it runs on. States:
 * `idle`, `busy` (one call running, its timer set), `stopped` (for good). The thread starts with the first call, and again
 * after one that it did not survive, once the old one has really ended: until then all are answered that it is busy.
 */
export class TranscriptIndexThread {
  readonly #options: IndexThreadOptions;
  readonly #queue: Job[] = [];
  #worker: Worker | null = null;
  #running: Running | null = null;
  /** Of a thread that was told to end and has not: what it does inside of SQLite cannot be cut short. */
  #ending: Promise<unknown> | null = null;
  #isStopped = false;

  constructor(options: IndexThreadOptions) {
    this.#options = options;
  }

  /** Rejects with `IndexError`, or the signal's reason. */
  call<K extends keyof IndexCalls>(
    kind: K,
    request: IndexCalls[K]['request'],
    signal: AbortSignal,
  ): Promise<IndexCalls[K]['reply']> {
    if (this.#isStopped) return Promise.reject(stopped());
    if (this.#ending !== null) return Promise.reject(stillEnding());
    const { queueMax } = this.#options;
    if (this.#queue.length >= queueMax)
      return Promise.reject(new IndexError('busy', `${queueMax} calls wait already`));
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = () => {
        const at = this.#queue.indexOf(job);
        if (at >= 0) this.#queue.splice(at, 1);
        // A running call is left to its end, which `callMsMax` limits; nobody listens any more.
        reject(signal.reason);
      };
      const job: Job = {
        call: { kind, request } as IndexCall,
        settle: (reply) => {
          signal.removeEventListener('abort', onAbort);
          if (reply instanceof IndexError) reject(reply);
          else if (reply.ok) resolve(reply.value as IndexCalls[K]['reply']);
          else reject(new IndexError(reply.fault, reply.error));
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#queue.push(job);
      this.#next();
    });
  }

  /** Resolves when none of its threads runs that was told to end. */
  async ended(): Promise<void> {
    await this.#ending;
  }

  /** What runs is waited for a little, so that the file is closed in order; what waits is refused. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const job of this.#queue.splice(0)) job.settle(stopped());
    const worker = this.#worker;
    if (worker === null) return;
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, CLOSE_MS_MAX);
    worker.once('exit', () => over.resolve());
    worker.postMessage('close');
    await over.promise;
    clearTimeout(timer);
    this.#end(worker, stopped());
  }

  #next(): void {
    if (this.#running !== null || this.#ending !== null || this.#isStopped) return;
    const job = this.#queue.shift();
    if (job === undefined) return;
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const { callMsMax } = this.#options;
    const slow = new IndexError('slow', `it took longer than ${callMsMax / 1_000} s`);
    const timer = setTimeout(() => this.#end(worker, slow), callMsMax);
    this.#running = { job, worker, timer };
    worker.postMessage(job.call);
  }

  #start(): Worker {
    // What is packed is compiled: the file beside this one has this one's extension.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const { name, path, opening } = this.#options;
    const workerData: IndexThreadData = { path, opening };
    const worker = new Worker(new URL(`./transcript-index-worker.${extension}`, import.meta.url), {
      name,
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES_MAX },
    });
    worker.on('message', (reply: IndexReply) => this.#finish(worker, reply));
    worker.on('error', (error: Error) => this.#lose(worker, error.message));
    worker.on('exit', (code) => this.#lose(worker, `exit ${code}`));
    return worker;
  }

  #lose(worker: Worker, reason: string): void {
    if (this.#worker === worker) this.#worker = null;
    this.#finish(worker, new IndexError('failed', `its thread ended (${reason})`));
  }

  #end(worker: Worker, reason: IndexError): void {
    if (this.#worker === worker) this.#worker = null;
    this.#ending = worker.terminate().finally(() => {
      this.#ending = null;
    });
    for (const job of this.#queue.splice(0)) job.settle(stillEnding());
    this.#finish(worker, reason);
  }

  /** Only for the call that this thread has: an older one's late exit says nothing about the next. */
  #finish(worker: Worker, reply: IndexReply | IndexError): void {
    const running = this.#running;
    if (running === null || running.worker !== worker) return;
    clearTimeout(running.timer);
    this.#running = null;
    running.job.settle(reply);
    this.#next();
  }
}

function stillEnding(): IndexError {
  return new IndexError('busy', 'one that took too long is being ended');
}

function stopped(): IndexError {
  return new IndexError('stopped', 'the coordinator is stopping');
}
