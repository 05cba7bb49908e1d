import { Worker } from 'node:worker_threads';
import type { FeedDocument, FeedItem } from '@podctl/domain/feed/feed-document.ts';
import type { Service } from '@podctl/platform/service.ts';
import type { FeedFault } from '../core/feed-verdict.ts';
import type { ParseRequest, ParserAsk, ParserReply } from './feed-parser-worker.ts';

export interface FeedParserLimits {
  /** Bytes of one document, decompressed. */
  readonly bytesMax: number;
  /** For one document; the thread is ended and started anew after it. */
  readonly parseMs: number;
  /** Documents that may wait. */
  readonly queueMax: number;
  /** Heap of the thread. */
  readonly heapMegabytesMax: number;
}

export const FEED_PARSER_LIMITS: FeedParserLimits = {
  bytesMax: 64 * 1024 * 1024,
  parseMs: 20_000,
  queueMax: 100,
  heapMegabytesMax: 768,
};

/** The error is the rest of a sentence about the document: "it is empty". */
export type ParseOutcome =
  | { readonly ok: true; readonly value: FeedDocument }
  | { readonly ok: false; readonly error: string; readonly fault: FeedFault };

interface Job {
  readonly request: ParseRequest;
  readonly settle: (outcome: ParseOutcome) => void;
}

/** A job, the thread that has it, and the timer that ends both. */
interface Running {
  readonly job: Job;
  readonly worker: Worker;
  readonly timer: NodeJS.Timeout;
  /** Once it is parsed: what has come of it so far. */
  document: FeedDocument | null;
  readonly items: FeedItem[];
}

/** A copy of what is smaller costs less than it would to hand it over. */
const HANDED_OVER_BYTES = 256 * 1024;

/**
 * Parses feeds on a thread of its own, one at a time, so that a large or hostile document never holds up the
 * coordinator's loop. States: `idle` (no job running), `busy` (one job running, its timer set), `stopped` (for good).
 * The thread starts with the first job, and again after one that it did not survive.
 */
export class FeedParser implements Service {
  readonly name = 'feed parser';
  private readonly limits: FeedParserLimits;
  private readonly queue: Job[] = [];
  private worker: Worker | null = null;
  private running: Running | null = null;
  private isStopped = false;

  constructor(limits: FeedParserLimits = FEED_PARSER_LIMITS) {
    this.limits = limits;
  }

  async start(): Promise<void> {}

  /** Jobs that run or wait end with an error. */
  async stop(): Promise<void> {
    this.isStopped = true;
    const waiting = this.queue.splice(0);
    const ended = this.endWorker('the coordinator is stopping');
    for (const job of waiting) job.settle(failed('the coordinator is stopping'));
    await ended;
  }

  /** Rejects only with the signal's reason. */
  parseFeed(request: ParseRequest, signal: AbortSignal): Promise<ParseOutcome> {
    const { bytesMax, queueMax } = this.limits;
    if (this.isStopped) return Promise.resolve(failed('the coordinator is stopping'));
    if (request.bytes.byteLength > bytesMax) {
      return Promise.resolve(failed(`it has more than ${bytesMax} bytes, the limit`, 'size'));
    }
    if (this.queue.length >= queueMax) {
      return Promise.resolve(
        failed(`${queueMax} documents wait to be parsed already: try again later`),
      );
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        const at = this.queue.indexOf(job);
        if (at >= 0) this.queue.splice(at, 1);
        // A running job is left to its end, which `parseMs` limits; nobody listens any more.
        reject(signal.reason);
      };
      const job: Job = {
        request,
        settle: (outcome) => {
          signal.removeEventListener('abort', onAbort);
          resolve(outcome);
        },
      };
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      this.queue.push(job);
      this.next();
    });
  }

  private next(): void {
    if (this.running !== null || this.isStopped) return;
    const job = this.queue.shift();
    if (job === undefined) return;
    this.worker ??= this.startWorker();
    const { parseMs } = this.limits;
    const timer = setTimeout(() => {
      void this.endWorker(`it took longer than ${parseMs / 1_000} s to parse, the limit`);
    }, parseMs);
    this.running = { job, worker: this.worker, timer, document: null, items: [] };
    const ask: ParserAsk = { kind: 'parse', request: job.request };
    const handedOver = ownBuffer(job.request.bytes);
    this.worker.postMessage(ask, handedOver === null ? [] : [handedOver]);
  }

  private startWorker(): Worker {
    // What is packed is compiled: the file beside this one has this one's extension.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./feed-parser-worker.${extension}`, import.meta.url), {
      name: this.name,
      resourceLimits: { maxOldGenerationSizeMb: this.limits.heapMegabytesMax },
    });
    worker.on('message', (reply: ParserReply) => this.take(worker, reply));
    worker.on('error', (error: Error) => this.lose(worker, error.message));
    worker.on('exit', (code) => this.lose(worker, `exit ${code}`));
    return worker;
  }

  /** Items come in pieces, one a turn of the loop: thousands at once would hold it up. */
  private take(worker: Worker, reply: ParserReply): void {
    const { running } = this;
    if (running === null || running.worker !== worker) return;
    switch (reply.kind) {
      case 'failed':
        this.finish(worker, failed(reply.error, 'document'));
        return;
      case 'document':
        running.document = reply.document;
        askMore(worker);
        return;
      case 'items':
        running.items.push(...reply.items);
        if (!reply.isLast) askMore(worker);
        else if (running.document !== null)
          this.finish(worker, { ok: true, value: { ...running.document, items: running.items } });
    }
  }

  private lose(worker: Worker, reason: string): void {
    if (this.worker === worker) this.worker = null;
    this.finish(worker, failed(`the parser did not survive it (${reason})`));
  }

  private async endWorker(reason: string): Promise<void> {
    const { worker } = this;
    if (worker === null) return;
    this.worker = null;
    const ended = worker.terminate();
    this.finish(worker, failed(reason));
    await ended;
  }

  /** Only for the job that this thread has: an older one's late exit says nothing about the next. */
  private finish(worker: Worker, outcome: ParseOutcome): void {
    const { running } = this;
    if (running === null || running.worker !== worker) return;
    clearTimeout(running.timer);
    this.running = null;
    running.job.settle(outcome);
    this.next();
  }
}

/** Null where it is not worth it, or is not all theirs. */
function ownBuffer({ buffer, byteLength }: Uint8Array): ArrayBuffer | null {
  const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  return isOwn && byteLength > HANDED_OVER_BYTES ? buffer : null;
}

function askMore(worker: Worker): void {
  const ask: ParserAsk = { kind: 'more' };
  worker.postMessage(ask);
}

function failed(error: string, fault: FeedFault = 'parser'): ParseOutcome {
  return { ok: false, error, fault };
}
