import type { AgentId } from '@podctl/domain/ids.ts';
import { agentOfSubject, logSubject } from '@podctl/domain/key.ts';
import type { LogLine } from '@podctl/domain/protocol.ts';
import type { Bus, BusMessage, BusSubscription } from '@podctl/platform/bus.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { Service } from '@podctl/platform/service.ts';
import { logMessage } from '@podctl/platform/wire.ts';
import { AgentLog, type JobName, jobName, type KeptLine } from '../core/agent-log.ts';
import type { JobHistory } from '../core/job-history.ts';
import { isAttemptOf } from '../core/job-owner.ts';
import { RateLimit } from '../core/rate-limit.ts';
import { standing } from '../core/reconcile.ts';
import type { Logger } from './logger.ts';
import { MessageComplaints } from './message-complaints.ts';
import type { Replica } from './replica.ts';

export interface AgentLogOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly replica: Replica;
  readonly jobs: Pick<JobHistory, 'ended'>;
  readonly log: Logger;
}

/** An agent sends one message a second; after a while without a connection, or when it leaves, some at once. */
const RATE = { burst: 10, perSecond: 2, keysMax: 10_000 };

/** Since this coordinator started. */
export interface AgentLogCounts {
  /** Lines that were kept, at first. */
  readonly lines: number;
  /** Lines that went for newer ones. */
  readonly evicted: number;
  /** Lines that agents themselves left out. */
  readonly dropped: number;
  /** Messages, by why they were not taken. */
  readonly refused: {
    readonly unreadable: number;
    readonly session: number;
    readonly rate: number;
    /** Some of its lines were not taken: they tell of a job that is not this agent's. */
    readonly job: number;
  };
}

/** What the API may ask of it. */
export interface LogSource {
  /** The lines of a job after that number, the oldest of them first. */
  ofJob(job: JobName, after: number, limit: number): readonly KeptLine[];
  /** Calls back when there are new lines of the job. */
  onLines(job: JobName, listener: () => void): () => void;
  counts(): AgentLogCounts;
}

/** Listens to `log.<agent>`, at every coordinator, and keeps the newest lines of agents that are in a session. */
export class AgentLogs implements Service, LogSource {
  readonly name = 'agent logs';
  readonly #options: AgentLogOptions;
  readonly #complaints: MessageComplaints;
  readonly #kept = new AgentLog();
  readonly #rate = new RateLimit(RATE);
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #refused = { unreadable: 0, session: 0, rate: 0, job: 0 };
  #lines = 0;
  #evicted = 0;
  #dropped = 0;
  #subscription: BusSubscription | null = null;

  constructor(options: AgentLogOptions) {
    this.#options = options;
    this.#complaints = new MessageComplaints(options.log, options.clock);
  }

  async start(): Promise<void> {
    const subject = logSubject('*');
    this.#subscription = this.#options.bus.subscribe(subject, (message) => this.#receive(message));
  }

  async stop(): Promise<void> {
    this.#subscription?.stop();
    this.#subscription = null;
  }

  ofJob(job: JobName, after: number, limit: number): readonly KeptLine[] {
    return this.#kept.ofJob(job, after, limit);
  }

  onLines(job: JobName, listener: () => void): () => void {
    const name = jobName(job);
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(name) === listeners)
        this.#listeners.delete(name);
    };
  }

  counts(): AgentLogCounts {
    const refused = { ...this.#refused };
    return { lines: this.#lines, evicted: this.#evicted, dropped: this.#dropped, refused };
  }

  #receive({ subject, data }: BusMessage): void {
    const agent = agentOfSubject(subject);
    // Before it is read: the rate is what keeps an agent from costing much.
    if (agent !== null && !this.#rate.take(agent, this.#options.clock.monotonicMs())) {
      this.#refused.rate += 1;
      return;
    }
    const message = logMessage.decode(data);
    if (agent === null || !message.ok) {
      this.#refused.unreadable += 1;
      const problem = message.ok ? 'subject' : message.error;
      this.#complaints.warn(agent, { problem }, 'a log message cannot be read');
      return;
    }
    if (this.#isCurrent(agent, message.value)) this.#keep(agent, message.value);
    else this.#refused.session += 1;
  }

  #isCurrent(agent: AgentId, message: Parameters<typeof standing>[3]): boolean {
    const { snapshot } = this.#options.replica;
    if (snapshot.cluster === null) return false;
    const row = snapshot.sessions.get(agent);
    return standing(snapshot, row, snapshot.cluster, message).kind === 'current';
  }

  #keep(agent: AgentId, message: Parameters<AgentLog['add']>[1]): void {
    const { own, names } = this.#own(agent, message.lines);
    this.#lines += own.length;
    this.#dropped += message.dropped;
    this.#evicted += this.#kept.add(agent, { lines: own, dropped: message.dropped });
    for (const name of names) for (const listener of this.#listeners.get(name) ?? []) listener();
  }

  /** The lines of jobs that are this agent's, so that no agent speaks in the log of another one's job. */
  #own(agent: AgentId, lines: readonly LogLine[]) {
    const { replica, jobs } = this.#options;
    const known = new Map<string, boolean>();
    const names = new Set<string>();
    const own = lines.filter(({ job }) => {
      if (job === null) return false;
      const [name, attempt] = [jobName(job), `${jobName(job)}.${job.token}`];
      const isOwn = known.get(attempt) ?? isAttemptOf(agent, job, replica.snapshot, jobs.ended());
      known.set(attempt, isOwn);
      if (isOwn) names.add(name);
      return isOwn;
    });
    if ([...known.values()].includes(false)) this.#refused.job += 1;
    return { own, names };
  }
}
