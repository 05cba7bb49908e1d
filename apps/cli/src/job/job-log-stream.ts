import { setTimeout as delay } from 'node:timers/promises';
import type { GetJobLogsRequest, GetJobLogsResponse } from '@podctl/proto/podctl/v1/job.ts';
import { type CommandError, commandErrorFrom } from '../command-error.ts';
import { isStreamBreak } from '../stream-break.ts';
import { type LogLineView, logLineView } from '../views/job-map.ts';

/** What gives the lines of a job: a client. */
export interface JobLogSource {
  jobLogs(request: GetJobLogsRequest, signal: AbortSignal): AsyncGenerator<GetJobLogsResponse>;
}

const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 2_000;
/** So long it breaks off again and again: it is over. */
const BROKEN_MS_MAX = 60_000;
/** A stream that stood so long was one. */
const STEADY_MS = 10_000;

/**
 * The lines of a job as they come. With `follow`, a stream that breaks off is opened again, at another coordinator if there
 * is one, and goes on after the newest line that came. Rejects with CommandError when that fails for a minute.
 */
export async function* jobLogLines(
  source: JobLogSource,
  request: GetJobLogsRequest,
  signal: AbortSignal,
): AsyncGenerator<readonly LogLineView[]> {
  const seen = new SeenLines();
  const breaks = new Breaks();
  for (;;) {
    breaks.opened();
    // Those that came are known: the tail of what is there now would be another one.
    const asked = seen.isEmpty ? request : { ...request, tailLines: 0 };
    try {
      for await (const { lines } of source.jobLogs(asked, signal)) {
        breaks.heard();
        yield seen.fresh(lines.map(logLineView));
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      const failure = commandErrorFrom(error);
      if (!request.follow || !breaks.isPassing(failure)) throw failure;
    }
    await delay(breaks.waitMs(), undefined, { signal });
  }
}

/** How long it goes badly already, and when the next try is due. */
class Breaks {
  #openedAtMs = Date.now();
  #wellAtMs = Date.now();
  #retryMs = RETRY_MS_MIN;

  opened(): void {
    this.#openedAtMs = Date.now();
  }

  heard(): void {
    this.#wellAtMs = Date.now();
    this.#retryMs = RETRY_MS_MIN;
  }

  isPassing(failure: CommandError): boolean {
    const nowMs = Date.now();
    if (nowMs - this.#openedAtMs > STEADY_MS) this.heard();
    return isStreamBreak(failure) && nowMs - this.#wellAtMs <= BROKEN_MS_MAX;
  }

  waitMs(): number {
    const waitMs = this.#retryMs;
    this.#retryMs = Math.min(RETRY_MS_MAX, waitMs * 2);
    return waitMs;
  }
}

/** The newest lines of each attempt: its agent's clock and the order of its lines are the same at each coordinator. */
class SeenLines {
  readonly #newest = new Map<string, { at: string; messages: Set<string> }>();

  get isEmpty(): boolean {
    return this.#newest.size === 0;
  }

  fresh(lines: readonly LogLineView[]): readonly LogLineView[] {
    return lines.filter((line) => this.#isNew(line));
  }

  #isNew({ agentId, token, at, message }: LogLineView): boolean {
    const key = `${agentId} ${token}`;
    const time = at ?? '';
    const newest = this.#newest.get(key);
    if (newest === undefined || time > newest.at) {
      this.#newest.set(key, { at: time, messages: new Set([message]) });
      return true;
    }
    if (time < newest.at || newest.messages.has(message)) return false;
    newest.messages.add(message);
    return true;
  }
}
