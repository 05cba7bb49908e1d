import type { AgentId } from '@podctl/domain/ids.ts';
import { agentOfSubject, commandSubject, heartbeatSubject } from '@podctl/domain/key.ts';
import type { CommandMessage, HeartbeatMessage } from '@podctl/domain/protocol.ts';
import type { Bus, BusMessage, BusSubscription } from '@podctl/platform/bus.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { Service } from '@podctl/platform/service.ts';
import { commandMessage, heartbeatMessage } from '@podctl/platform/wire.ts';
import type { Liveness } from '../core/liveness.ts';
import type { Progress } from '../core/progress.ts';
import { reconcile, standing } from '../core/reconcile.ts';
import { type LockRow, lockId, type SessionRow } from '../core/snapshot.ts';
import type { AgentReport } from '../core/view.ts';
import type { Logger } from './logger.ts';
import { MessageComplaints } from './message-complaints.ts';
import type { Replica } from './replica.ts';

export interface HeartbeatOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly replica: Replica;
  readonly liveness: Liveness;
  readonly progress: Progress;
  readonly reports: Map<AgentId, AgentReport>;
  readonly log: Logger;
  /** Tells the agent again; only a leader does. */
  resend(row: LockRow): void;
  /** Only a leader gives orders; the others listen for the sake of what they show. */
  leads(): boolean;
  /** Something that is shown changed. */
  changed(): void;
}

/** Listens to `hb.<agent>`: what lives, how far it is, and whether what it does is what the state says. */
export class Heartbeats implements Service {
  readonly name = 'heartbeats';
  readonly #options: HeartbeatOptions;
  readonly #complaints: MessageComplaints;
  #subscription: BusSubscription | null = null;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#complaints = new MessageComplaints(options.log, options.clock);
  }

  async start(): Promise<void> {
    this.#subscription = this.#options.bus.subscribe(heartbeatSubject('*'), (message) =>
      this.#receive(message),
    );
  }

  async stop(): Promise<void> {
    this.#subscription?.stop();
    this.#subscription = null;
  }

  #receive(message: BusMessage): void {
    const agent = agentOfSubject(message.subject);
    const heartbeat = heartbeatMessage.decode(message.data);
    if (agent === null || !heartbeat.ok) {
      const problem = heartbeat.ok ? 'subject' : heartbeat.error;
      this.#complaints.warn(agent, { problem }, 'a heartbeat cannot be read');
      return;
    }
    const { snapshot } = this.#options.replica;
    if (snapshot.cluster === null) return;
    const found = standing(
      snapshot,
      snapshot.sessions.get(agent),
      snapshot.cluster,
      heartbeat.value,
    );
    const { session } = heartbeat.value;
    switch (found.kind) {
      case 'current':
        this.#current(found.row, heartbeat.value);
        break;
      case 'superseded':
        this.#order(agent, { kind: 'superseded', session });
        break;
      case 'over':
        this.#order(agent, { kind: 'rehello', session });
        break;
      case 'ahead':
        break;
    }
  }

  #current(row: SessionRow, heartbeat: HeartbeatMessage): void {
    const { liveness, progress, clock, replica, reports } = this.#options;
    const { agent } = row.record;
    const nowMs = clock.monotonicMs();
    liveness.heard(agent, row.session, nowMs);
    reports.set(agent, {
      session: row.session,
      engine: heartbeat.engine,
      problem: heartbeat.problem,
      draining: heartbeat.draining,
      gpus: heartbeat.gpus,
      gpuProblem: heartbeat.gpuProblem,
      engineChoice: heartbeat.engineChoice,
      ahead: heartbeat.ahead,
      begun: begunTokens(heartbeat),
    });
    for (const report of heartbeat.tokens) {
      const { lock } = replica.snapshot.locks.get(
        lockId(report.feed, report.episode, report.stage),
      ) ?? { lock: null };
      // Only of what it holds: nobody makes another one's lock look alive, or ours grow.
      if (lock?.token === report.token && lock.agent === agent && lock.session === row.session)
        progress.report(report, nowMs);
    }
    this.#options.changed();
    if (!this.#options.leads()) return;
    const { resend, cancel } = reconcile(replica.snapshot, row, heartbeat);
    for (const lock of resend) this.#options.resend(lock);
    for (const { feed, episode, stage, run, token } of cancel) {
      const job = { feed, episode, stage, run, token };
      const { cluster, session } = heartbeat;
      this.#order(agent, {
        kind: 'cancel',
        cluster,
        session,
        job,
        reason: 'its lock is not held any more',
      });
    }
  }

  #order(agent: AgentId, command: CommandMessage): void {
    if (!this.#options.leads()) return;
    const encoded = commandMessage.encode(command);
    if (encoded.ok) this.#options.bus.publish(commandSubject(agent), encoded.value);
  }
}

function begunTokens({ tokens }: HeartbeatMessage): ReadonlySet<number> {
  return new Set(tokens.flatMap(({ token, waiting }) => (waiting === true ? [] : [token])));
}
