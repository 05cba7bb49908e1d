import type { Clock } from '@podctl/platform/clock.ts';
import type { GetJobLogsResponse } from '@podctl/proto/podctl/v1/job.ts';
import type { JobName, KeptLine } from '../core/agent-log.ts';
import type { JobState } from '../core/job-view.ts';
import type { LogSource } from '../shell/agent-logs.ts';
import type { Send } from './handler.ts';
import { logLineMessage } from './job-map.ts';
import type { Failure } from './status.ts';
import { Wake } from './wake.ts';

/** A line has 700 bytes at most. */
const LINES_PER_MESSAGE = 200;
const FOLLOWERS_MAX = 100;
/** Lines are gathered for so long: one that says much costs no message a line. */
const GATHER_MS = 100;
const LOOK_MS = 1_000;
/** An agent says its last words of a job within its next second. */
const LAST_WORDS_MS = 3_000;

const OVER: readonly (JobState | null)[] = ['done', 'dead', 'canceled', null];

export interface JobLogPorts {
  readonly logs: LogSource;
  readonly clock: Clock;
  /** Of the job now; null when nothing is known of it any more. */
  stateOf(job: JobName): JobState | null;
}

export interface JobLogRequest {
  readonly job: JobName;
  /** 0 for all. */
  readonly tailLines: number;
  readonly follow: boolean;
}

/**
 * Serves the lines of jobs. No line waits in a queue for a reader: each has a place in what is kept, reads on from there when
 * its connection has taken what it was sent, and is told how many lines went meanwhile.
 */
export class JobLogs {
  readonly #ports: JobLogPorts;
  #followers = 0;

  constructor(ports: JobLogPorts) {
    this.#ports = ports;
  }

  /** Gives null when there is no more to come. */
  async serve(
    { job, tailLines, follow }: JobLogRequest,
    send: Send<GetJobLogsResponse>,
    signal: AbortSignal,
  ): Promise<Failure | null> {
    const reader = new Reader(this.#ports.logs, job, tailLines);
    if (!follow) {
      await drain(reader, send, signal);
      return null;
    }
    if (this.#followers >= FOLLOWERS_MAX)
      return {
        kind: 'exhausted',
        message: `${FOLLOWERS_MAX} follow logs at this coordinator already`,
        hint: 'end some of them, or ask another coordinator',
      };
    this.#followers += 1;
    const said = new Wake(this.#ports.clock);
    const forget = this.#ports.logs.onLines(job, () => said.wake());
    try {
      await this.#follow(job, reader, said, send, signal);
      return null;
    } finally {
      forget();
      this.#followers -= 1;
    }
  }

  async #follow(
    job: JobName,
    reader: Reader,
    said: Wake,
    send: Send<GetJobLogsResponse>,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, stateOf } = this.#ports;
    let overMs: number | null = null;
    for (;;) {
      await drain(reader, send, signal);
      const nowMs = clock.monotonicMs();
      if (!OVER.includes(stateOf(job))) overMs = null;
      else overMs ??= nowMs;
      if (overMs !== null && nowMs - overMs >= LAST_WORDS_MS) return;
      await said.wait(LOOK_MS, signal);
      await clock.sleep(GATHER_MS, signal);
    }
  }
}

async function drain(reader: Reader, send: Send<GetJobLogsResponse>, signal: AbortSignal) {
  for (let next = reader.next(); next !== null; next = reader.next()) await send(next, signal);
}

/** A place in the lines of a job. */
class Reader {
  readonly #logs: LogSource;
  readonly #job: JobName;
  #number = 0;
  #ordinal = 0;

  constructor(logs: LogSource, job: JobName, tailLines: number) {
    this.#logs = logs;
    this.#job = job;
    if (tailLines > 0) this.#skipTo(tailLines);
  }

  /** Null when there is no further line now. */
  next(): GetJobLogsResponse | null {
    const lines = this.#logs.ofJob(this.#job, this.#number, LINES_PER_MESSAGE);
    return lines.length === 0 ? null : { lines: lines.map((line) => this.#read(line)) };
  }

  #skipTo(tailLines: number): void {
    const all = this.#logs.ofJob(this.#job, 0, Number.POSITIVE_INFINITY);
    const last = all.at(-tailLines - 1);
    if (last === undefined) return;
    this.#number = last.number;
    this.#ordinal = last.ordinal;
  }

  #read(line: KeptLine) {
    // Counted from 1 again when none of its lines had been kept.
    const missing = Math.max(0, line.ordinal - this.#ordinal - 1);
    this.#number = line.number;
    this.#ordinal = line.ordinal;
    return logLineMessage(line, missing);
  }
}
