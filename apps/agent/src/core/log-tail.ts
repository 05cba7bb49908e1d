import { LOG_LIMITS, type LogLine } from '@podctl/domain/protocol.ts';

/** While nobody can be told: ten seconds of a full stream. */
export const LINES_KEPT_MAX = 1_000;

export interface LogBatch {
  readonly lines: readonly LogLine[];
  /** Left out since the batch before, since more came than was taken. */
  readonly dropped: number;
}

/**
 * The agent's newest log lines that no coordinator was told yet. Of more than it keeps, the oldest go and are counted.
 *   open → closed: nothing is kept any more; for good.
 */
export class LogTail {
  #lines: LogLine[] = [];
  #dropped = 0;
  #isClosed = false;

  add(line: LogLine): void {
    if (this.#isClosed) return;
    this.#lines.push(line);
    if (this.#lines.length <= LINES_KEPT_MAX) return;
    this.#lines.shift();
    this.#dropped += 1;
  }

  /** The oldest lines, at most a message full; null when there are none. */
  take(): LogBatch | null {
    if (this.#lines.length === 0) return null;
    const lines = this.#lines.splice(0, LOG_LIMITS.linesMax);
    const dropped = this.#dropped;
    this.#dropped = 0;
    return { lines, dropped };
  }

  /** What was taken could not be told. */
  lost({ lines, dropped }: LogBatch): void {
    this.#dropped += lines.length + dropped;
  }

  close(): void {
    this.#isClosed = true;
    this.#lines = [];
  }
}
