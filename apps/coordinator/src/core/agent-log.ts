import { plainLine } from '@podctl/domain/gpu.ts';
import type { AgentId } from '@podctl/domain/ids.ts';
import {
  type JobToken,
  LOG_LIMITS,
  type LogLine,
  type LogMessage,
} from '@podctl/domain/protocol.ts';

/** What is kept of what agents say: of one agent, and of all of them. */
export interface AgentLogLimits {
  readonly linesMax: number;
  readonly bytesMax: number;
  readonly totalBytesMax: number;
}

export const AGENT_LOG_LIMITS: AgentLogLimits = {
  linesMax: 1_000,
  bytesMax: 256 * 1_024,
  totalBytesMax: 64 * 1_024 * 1_024,
};

/** What a line takes beside its text, about. */
const LINE_BYTES = 200;

/** A run of a stage of an episode, whichever attempt at it. */
export type JobName = Omit<JobToken, 'token'>;

export interface KeptLine extends LogLine {
  readonly agent: AgentId;
  /** Rises over all agents; of this coordinator, since it started. */
  readonly number: number;
  /** Of its job, from 1: a gap says how many lines of the job are not kept any more. */
  readonly ordinal: number;
  /** Lines that the agent itself left out before this one, of whatever job. */
  readonly droppedBefore: number;
}

interface Ring {
  readonly lines: KeptLine[];
  bytes: number;
}

/** Of one job, in the order in which they came: how many came while one is kept, and those that are. */
interface JobLines {
  came: number;
  readonly lines: KeptLine[];
}

/**
 * The newest lines of jobs in agents' logs; what an agent says of no job is kept by itself alone. Whoever says much loses its own oldest lines first; when all together have too much,
 * the one that has most loses. What is never true: more kept than the limits say.
 */
export class AgentLog {
  readonly #limits: AgentLogLimits;
  readonly #rings = new Map<AgentId, Ring>();
  readonly #jobs = new Map<string, JobLines>();
  #bytes = 0;
  #newest = 0;

  constructor(limits: AgentLogLimits = AGENT_LOG_LIMITS) {
    this.#limits = limits;
  }

  /** The newest line's number; 0 before the first. */
  get newest(): number {
    return this.#newest;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Gives how many lines had to go for these. */
  add(agent: AgentId, { lines, dropped }: Pick<LogMessage, 'lines' | 'dropped'>): number {
    const ring = this.#ringOf(agent);
    const told = new Set<string>();
    let evicted = 0;
    for (const line of lines) {
      if (line.job === null) continue;
      const name = jobName(line.job);
      this.#append(agent, ring, line, name, told.has(name) ? 0 : dropped);
      told.add(name);
      evicted += this.#shrink(ring);
    }
    return evicted;
  }

  /** The lines of a job after that number, in the order in which they came, at most `limit`: the oldest of them. */
  ofJob(job: JobName, after: number, limit: number): readonly KeptLine[] {
    const lines = this.#jobs.get(jobName(job))?.lines ?? [];
    const first = firstAfter(lines, after);
    return lines.slice(first, first + limit);
  }

  #ringOf(agent: AgentId): Ring {
    const known = this.#rings.get(agent);
    if (known !== undefined) return known;
    const ring: Ring = { lines: [], bytes: 0 };
    this.#rings.set(agent, ring);
    return ring;
  }

  #append(agent: AgentId, ring: Ring, line: LogLine, name: string, droppedBefore: number): void {
    const message = plainLine(line.message, LOG_LIMITS.messageLengthMax);
    const ofJob = this.#jobs.get(name) ?? { came: 0, lines: [] };
    this.#jobs.set(name, ofJob);
    this.#newest += 1;
    ofJob.came += 1;
    const [number, ordinal] = [this.#newest, ofJob.came];
    const kept = { ...line, message, agent, number, ordinal, droppedBefore };
    ofJob.lines.push(kept);
    ring.lines.push(kept);
    ring.bytes += bytesOf(message);
    this.#bytes += bytesOf(message);
  }

  #shrink(ring: Ring): number {
    const { linesMax, bytesMax, totalBytesMax } = this.#limits;
    let evicted = 0;
    while (ring.lines.length > linesMax || ring.bytes > bytesMax) evicted += this.#evict(ring);
    while (this.#bytes > totalBytesMax) evicted += this.#evict(this.#biggest());
    return evicted;
  }

  #evict(ring: Ring): number {
    const oldest = ring.lines.shift();
    if (oldest === undefined) return 0;
    ring.bytes -= bytesOf(oldest.message);
    this.#bytes -= bytesOf(oldest.message);
    if (oldest.job !== null) this.#forget(jobName(oldest.job), oldest.number);
    return 1;
  }

  /** The agent's oldest is not always the job's: another agent may have had it before. */
  #forget(name: string, number: number): void {
    const lines = this.#jobs.get(name)?.lines ?? [];
    lines.splice(firstAfter(lines, number - 1), 1);
    if (lines.length === 0) this.#jobs.delete(name);
  }

  #biggest(): Ring {
    let biggest: Ring = { lines: [], bytes: -1 };
    for (const ring of this.#rings.values()) if (ring.bytes > biggest.bytes) biggest = ring;
    return biggest;
  }
}

/** One text for each job. */
export function jobName({ feed, episode, stage, run }: JobName): string {
  return `${feed}.${episode}.${stage}.${run}`;
}

function bytesOf(message: string): number {
  return LINE_BYTES + 2 * message.length;
}

/** Where the lines after that number begin: they are in its order. */
function firstAfter(lines: readonly KeptLine[], after: number): number {
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle]?.number ?? 0) > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
