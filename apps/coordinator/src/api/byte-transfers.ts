import type { Socket } from 'node:net';
import type { ByteRefusal } from '../core/byte-access.ts';
import type { ByteDirection, ByteMetrics } from './byte-metrics.ts';

/** Why a transfer ended before its end; the answer, where one can still be given. */
export class TransferEnd extends Error {
  readonly refusal: ByteRefusal;
  constructor(refusal: ByteRefusal) {
    super(refusal.reason);
    this.name = 'TransferEnd';
    this.refusal = refusal;
  }
}

export interface TransferLimits {
  readonly transfersMax: number;
  /** A transfer that moves less than 4 KiB in so long is cut off: it holds a place that others need. */
  readonly idleMs: number;
}

interface TransferOptions {
  readonly direction: ByteDirection;
  readonly socket: Socket;
  /** Asked again at each change of the state: null as long as its lock is held. */
  readonly judge: () => ByteRefusal | null;
  /** Of the file that it writes. */
  readonly writes: string | null;
}

const WINDOW_BYTES_MIN = 4_096;

/** The transfers that run: how many, one writer a file, ended as soon as the lock is gone or nothing moves any more. */
export class Transfers {
  readonly #limits: TransferLimits;
  readonly #metrics: ByteMetrics;
  readonly #running = new Set<Transfer>();
  #isStopping = false;

  constructor(limits: TransferLimits, metrics: ByteMetrics) {
    this.#limits = limits;
    this.#metrics = metrics;
  }

  /** Rejects with `TransferEnd`. A newer writer of a file ends the older one, and waits until nothing of it is left. */
  async begin(options: TransferOptions): Promise<Transfer> {
    // From the last look to `add` nothing may be awaited: several newer ones may wait for the same older one.
    const { writes } = options;
    for (let older = this.#writerOf(writes); older !== null; older = this.#writerOf(writes)) {
      older.end({ status: 409, reason: 'superseded' });
      await older.ended;
    }
    if (this.#isStopping)
      throw new TransferEnd({ status: 503, reason: 'stopping', retryAfterSeconds: 1 });
    if (this.#running.size >= this.#limits.transfersMax)
      throw new TransferEnd({ status: 503, reason: 'too_many_transfers', retryAfterSeconds: 5 });
    const refusal = options.judge();
    if (refusal !== null) throw new TransferEnd(refusal);
    const transfer = new Transfer(options, this.#limits.idleMs, () => {
      this.#running.delete(transfer);
      this.#count(options.direction);
    });
    this.#running.add(transfer);
    this.#count(options.direction);
    return transfer;
  }

  async endWriter(path: string): Promise<void> {
    for (let older = this.#writerOf(path); older !== null; older = this.#writerOf(path)) {
      older.end({ status: 409, reason: 'superseded' });
      await older.ended;
    }
  }

  #writerOf(path: string | null): Transfer | null {
    if (path === null) return null;
    return [...this.#running].find(({ options }) => options.writes === path) ?? null;
  }

  /** The state has changed: those whose lock is gone end. */
  judgeAll(): void {
    for (const transfer of this.#running) {
      const refusal = transfer.options.judge();
      if (refusal !== null) transfer.end(refusal);
    }
  }

  /** Ends all and waits for their ends. Nothing begins after it. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const running = [...this.#running];
    for (const transfer of running)
      transfer.end({ status: 503, reason: 'stopping', retryAfterSeconds: 1 });
    await Promise.all(running.map(({ ended }) => ended));
  }

  #count(direction: ByteDirection): void {
    const count = [...this.#running].filter(
      ({ options }) => options.direction === direction,
    ).length;
    this.#metrics.active(direction, count);
  }
}

export class Transfer {
  readonly options: TransferOptions;
  readonly ended: Promise<void>;
  readonly #controller = new AbortController();
  readonly #watch: NodeJS.Timeout;
  readonly #finish: () => void;
  readonly #gone = () => this.end({ status: 408, reason: 'too_slow' });
  #bytesSeen: number;
  #isWatched = true;

  constructor(options: TransferOptions, idleMs: number, onFinish: () => void) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.options = options;
    this.ended = promise;
    this.#bytesSeen = this.#bytesMoved();
    this.#watch = setInterval(() => this.#look(), idleMs);
    options.socket.once('close', this.#gone);
    this.#finish = () => {
      clearInterval(this.#watch);
      options.socket.off('close', this.#gone);
      onFinish();
      resolve();
    };
  }

  /** Aborted, with a `TransferEnd`, when it has to end. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(refusal: ByteRefusal): void {
    this.#controller.abort(new TransferEnd(refusal));
  }

  /** Nothing moves while the server is at work itself. */
  async atWork<T>(work: () => Promise<T>): Promise<T> {
    this.#isWatched = false;
    try {
      return await work();
    } finally {
      this.#isWatched = true;
      this.#bytesSeen = this.#bytesMoved();
    }
  }

  /** Called once, when nothing of it is left. */
  finish(): void {
    this.#finish();
  }

  #look(): void {
    const moved = this.#bytesMoved() - this.#bytesSeen;
    this.#bytesSeen += moved;
    if (this.#isWatched && moved < WINDOW_BYTES_MIN) this.#gone();
  }

  #bytesMoved(): number {
    const { socket } = this.options;
    return socket.bytesRead + socket.bytesWritten;
  }
}
