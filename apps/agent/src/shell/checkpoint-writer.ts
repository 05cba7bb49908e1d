import { checkpointName } from '@podctl/domain/checkpoint-name.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import { type CheckpointOf, checkpointKey, isCheckpointDue } from '../core/checkpoint.ts';
import type { RawTranscript } from '../core/raw-transcript.ts';
import type { CheckpointStore } from './attempt-store.ts';
import { packCheckpoint } from './checkpoint-file.ts';

export interface CheckpointWriterOptions {
  readonly store: CheckpointStore;
  readonly of: CheckpointOf;
  readonly audioSeconds: number | null;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** One that takes longer is called off: the next one has all of it, and more. */
const WRITE_MS_MAX = 60_000;
/** How long an attempt that failed waits for what the next one could go on from. */
const LAST_WRITE_MS_MAX = 10_000;

/**
 * Leaves checkpoints while the engine works on: one at a time, and of those that come meanwhile the newest. What cannot be
 * left is told, and harms nothing.
 */
export class CheckpointWriter {
  readonly #options: CheckpointWriterOptions;
  readonly #ending = new AbortController();
  #waiting: RawTranscript | null = null;
  #running: Promise<void> | null = null;
  #last = { seconds: 0, count: 0 };

  /** @param fromSeconds where the attempt goes on. */
  constructor(options: CheckpointWriterOptions, fromSeconds: number) {
    this.#options = options;
    this.#last = { seconds: fromSeconds, count: 0 };
  }

  offer(heard: RawTranscript): void {
    if (!isCheckpointDue(heard.durationSeconds, this.#last, this.#options.audioSeconds)) return;
    this.#last = { seconds: heard.durationSeconds, count: this.#last.count + 1 };
    this.#waiting = heard;
    this.#running ??= this.#run();
  }

  /** All is heard: nobody goes on from here. Once it resolves nothing is written any more. */
  async end(): Promise<void> {
    this.#waiting = null;
    this.#ending.abort();
    await this.#running;
  }

  /** It was not heard to its end: what is on its way may still arrive. Then as `end`. */
  async endLate(): Promise<void> {
    const patience = AbortSignal.any([
      this.#options.signal,
      AbortSignal.timeout(LAST_WRITE_MS_MAX),
    ]);
    const out = new Promise<void>((resolve) => {
      if (patience.aborted) resolve();
      else patience.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([this.#running, out]);
    await this.end();
  }

  async #run(): Promise<void> {
    for (let next = this.#waiting; next !== null; next = this.#waiting) {
      this.#waiting = null;
      await this.#write(next);
    }
    this.#running = null;
  }

  async #write(heard: RawTranscript): Promise<void> {
    const { store, of, log, signal } = this.#options;
    const patience = AbortSignal.any([
      signal,
      this.#ending.signal,
      AbortSignal.timeout(WRITE_MS_MAX),
    ]);
    const milliseconds = Math.round(heard.durationSeconds * 1_000);
    const name = checkpointName({ run: of.run, key: checkpointKey(of), milliseconds });
    try {
      const bytes = await packCheckpoint(of, heard);
      if (bytes === null) return log.warn({ name }, 'A checkpoint is too large and is not kept');
      patience.throwIfAborted();
      await store.write(name, bytes, patience);
      log.info({ seconds: heard.durationSeconds, bytes: bytes.length }, 'A checkpoint is kept');
    } catch (error) {
      if (signal.aborted || this.#ending.signal.aborted) return;
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ name, reason }, 'A checkpoint could not be kept: a loss would cost more work');
    }
  }
}
