import type { SessionId } from '@podctl/domain/ids.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import type { Bus } from '@podctl/platform/bus.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import type { AgentEffect, AgentInput, AgentState } from '../core/agent-state.ts';
import { hasUntoldFailure } from '../core/departure.ts';
import type { GpuReport } from '../core/gpu-state.ts';
import { beginLife, loadOf, reports, step, waitingOf } from '../core/machine.ts';
import type { PendingResult } from '../core/token-key.ts';
import type { FetchAhead } from './fetch-ahead.ts';
import { Jobs, type Worker } from './jobs.ts';
import type { ResultJournal } from './journal.ts';
import { LogShipper, type LogShipping } from './log-shipper.ts';
import { Results } from './results.ts';
import { type AgentIdentity, type Pulse, SessionLink } from './session.ts';

export interface AgentPorts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly identity: AgentIdentity;
  readonly journal: ResultJournal;
  /** Why no new work can be taken, where attempts are written or by the engine; null when it can. `expectedLibrary`: the leader's. */
  readonly workProblem: (expectedLibrary: string | null) => Promise<string | null>;
  /** What this agent may take of the fleet's bandwidth, as the leader says; null: all. */
  readonly bandwidthShare?: (bytesPerSecond: number | null) => void;
  readonly workers: { readonly [S in Stage]: Worker };
  /** Engine, model and device in words, as they are now. */
  readonly describeEngine: () => string;
  /** The machine's GPUs as they were seen last; left out where nobody looks. */
  readonly gpus?: () => GpuReport;
  readonly observe: (event: AgentEvent) => void;
  /** Where the audio of what waits for a slot is fetched meanwhile, and how many may wait; left out where nothing is held ahead. */
  readonly ahead?: { readonly jobs: number; readonly fetch: Pick<FetchAhead, 'keep' | 'stop'> };
  /** What its log says, for the coordinators; left out where nobody is to be told. */
  readonly logs?: LogShipping;
}

/** For the metrics. */
export type AgentEvent =
  | { readonly kind: 'ended'; readonly stage: Stage; readonly result: string }
  | { readonly kind: 'unanswered' }
  /** So many run now. */
  | {
      readonly kind: 'running';
      readonly stage: Stage;
      readonly count: number;
      /** Held ahead. */
      readonly waiting: number;
    };

export interface AgentEnd {
  readonly code: number;
  readonly reason: string;
}

const LOOK_EVERY_MS = 10_000;
/** How long the goodbye waits for the leader to hear of failures. */
const UNTOLD_MS_MAX = 2_000;

/** Carries out what the machine says, and tells it what came of it. Nothing is decided here. */
export class Agent {
  readonly #ports: AgentPorts;
  readonly #link: SessionLink;
  readonly #results: Results;
  readonly #jobs: Jobs;
  readonly #logs: LogShipper | null;
  readonly #ended = Promise.withResolvers<AgentEnd>();
  readonly #closing = new AbortController();
  /** The goodbye waits for it. */
  #failuresTold = new AbortController();
  #state: AgentState;
  /** What is written to the journal is written in order. */
  #journalling: Promise<void> = Promise.resolve();
  #expectedLibrary: string | null = null;

  /** Resolves when the agent has come to its end, by itself or because it was asked to stop. */
  readonly ended: Promise<AgentEnd>;

  constructor(ports: AgentPorts) {
    const { bus, clock, random, log, identity } = ports;
    const input = (next: AgentInput) => this.#take(next);
    this.#ports = ports;
    this.#state = beginLife(identity.slots, []).state;
    this.ended = this.#ended.promise;
    this.#jobs = new Jobs(ports.workers, input, log);
    this.#link = new SessionLink({
      ...{ bus, clock, random, log, identity, input },
      pulse: () => this.#pulse(),
      bandwidthShare: (bytesPerSecond) => ports.bandwidthShare?.(bytesPerSecond),
      // The old one took the questions with it.
      rollCalled: () => {
        // It shares the fleet's bandwidth out anew, or has none to share.
        ports.bandwidthShare?.(null);
        this.#results.askAgain();
      },
      welcomed: ({ session, library }) => {
        log.info({ session }, 'Welcomed by the leader');
        this.#expectedLibrary = library;
        ports.bandwidthShare?.(null);
        this.look();
      },
    });
    this.#results = new Results({
      ...{ bus, clock, random, log },
      agent: identity.agent,
      boot: identity.boot,
      settled: (key, answer) => {
        const held = this.#state.tokens.get(key);
        const of = held?.phase === 'ended' ? held.result.job : { key };
        log.info({ ...of, answer }, 'The leader has judged a result');
        this.#take({ kind: 'settled', key, answer });
      },
      unanswered: () => ports.observe({ kind: 'unanswered' }),
    });
    this.#logs = this.#makeLogs();
  }

  get welcomed(): boolean {
    return this.#state.mode === 'serving';
  }

  /** Why it takes no new work; null when it does. */
  get problem(): string | null {
    return this.#state.problem;
  }

  /** Reads the journal, then says hello. Resolves before it is answered. */
  async start(): Promise<void> {
    const journal = await this.#ports.journal.open();
    this.#link.start();
    this.#logs?.start();
    const life = beginLife(this.#ports.identity.slots, journal);
    this.#state = life.state;
    for (const effect of life.effects) this.#apply(effect);
    void this.#watchWork();
  }

  /** How many jobs run, and how many results wait for their verdict. */
  get held(): { readonly running: number; readonly unsettled: number } {
    const phases = [...this.#state.tokens.values()].map(({ phase }) => phase);
    const unsettled = phases.filter((phase) => phase === 'ended').length;
    return { running: phases.length - unsettled, unsettled };
  }

  /** Takes no more, finishes what runs, says goodbye; then `ended` resolves. */
  drain(): void {
    this.#take({ kind: 'drain' });
    // Before anything that is handed back: or the leader would give it to this agent again.
    this.#link.beat();
  }

  /** Takes no more, hands back what runs, says goodbye; then `ended` resolves. `reason`: for the history of those jobs. */
  leave(reason = 'the agent was asked to stop'): void {
    this.#take({ kind: 'stop', reason });
    this.#link.beat();
  }

  /** Hands back what runs and ends with an error, so that its supervisor starts it anew. Safe twice. */
  loseGpu(reason: string): void {
    this.#take({ kind: 'gpu_lost', reason });
  }

  /** Looks now whether work can be taken. It does so by itself at each welcome and every 10 s. */
  look(): void {
    void this.#checkWork();
  }

  /** Ends everything, at once. Safe twice. */
  async stop(): Promise<void> {
    this.#closing.abort();
    await this.#logs?.stop();
    await this.#link.stop();
    await this.#results.stop();
    this.#ports.ahead?.fetch.stop();
    await this.#jobs.stop();
    await this.#journalling;
  }

  #take(input: AgentInput): void {
    const before = this.#state;
    const next = step(before, input);
    this.#state = next.state;
    this.#observe(before);
    if (!hasUntoldFailure(next.state)) this.#failuresTold.abort();
    for (const effect of next.effects) this.#apply(effect);
    if (before.tokens !== next.state.tokens) this.#keepAhead(before);
  }

  #keepAhead(before: AgentState): void {
    const { tokens } = this.#state;
    // What was held ahead begins: whoever shows it counts its time from now on.
    const hasBegun = [...waitingOf(before).keys()].some(
      (key) => tokens.get(key)?.phase === 'running',
    );
    if (hasBegun) this.#link.beat();
    const isHeld = (key: string) => (tokens.get(key)?.phase ?? 'ended') !== 'ended';
    this.#ports.ahead?.fetch.keep(waitingOf(this.#state), isHeld);
  }

  #observe(before: AgentState): void {
    const { problem } = this.#state;
    if (before.problem !== problem && problem !== null)
      this.#ports.log.warn({}, `No new work is taken: ${problem}`);
    for (const stage of STAGES) {
      const { running: count, waiting } = loadOf(this.#state, stage);
      const was = loadOf(before, stage);
      if (count !== was.running || waiting !== was.waiting)
        this.#ports.observe({ kind: 'running', stage, count, waiting });
    }
  }

  #apply(effect: AgentEffect): void {
    switch (effect.kind) {
      case 'hello':
        this.#link.hello(effect.cluster);
        return;
      case 'begin':
        this.#jobs.begin(effect.key, effect.assignment);
        return;
      case 'cancel':
        this.#jobs.cancel(effect.key, effect.reason);
        return;
      case 'beat':
        this.#link.beat();
        return;
      case 'record':
        this.#record(effect.result);
        return;
      case 'ask':
        this.#ask(effect.key, effect.session, effect.result);
        return;
      case 'forget':
        this.#results.drop(effect.key);
        this.#journal(() => this.#ports.journal.remove(effect.key));
        return;
      case 'goodbye':
        void this.#goodbye(effect);
        return;
      case 'exit':
        this.#ended.resolve({ code: effect.code, reason: effect.reason });
        return;
    }
  }

  #record(result: PendingResult): void {
    const { boot } = this.#ports.identity;
    const { session } = this.#state;
    const { outcome } = result;
    const words =
      outcome.kind === 'failed' ? (outcome.returned ? 'returned' : 'failed') : 'finished';
    this.#ports.observe({ kind: 'ended', stage: result.job.stage, result: words });
    // Without any session nothing can have begun, so nothing can have ended.
    if (session !== null)
      this.#journal(() => this.#ports.journal.put({ boot, session, ...result }));
  }

  /** Only once it is on the disk: an answer to a result that a crash forgets would be lost. */
  #ask(key: string, session: SessionId, result: PendingResult): void {
    this.#journal(async () => {
      const held = this.#state.tokens.get(key);
      if (
        held?.phase === 'ended' &&
        session === this.#state.session &&
        !this.#closing.signal.aborted
      )
        this.#results.ask(key, session, result);
    });
  }

  #journal(work: () => Promise<void>): void {
    this.#journalling = this.#journalling.then(work).catch((error: unknown) => {
      // The result is asked about all the same: only a crash before its answer would lose it, and then the job runs again.
      this.#ports.log.error({ err: error }, 'The journal of results cannot be written');
    });
  }

  async #goodbye(effect: Extract<AgentEffect, { kind: 'goodbye' }>): Promise<void> {
    await this.#journalling;
    if (hasUntoldFailure(this.#state)) {
      this.#failuresTold = new AbortController();
      const until = AbortSignal.any([this.#failuresTold.signal, this.#closing.signal]);
      await this.#ports.clock.sleep(UNTOLD_MS_MAX, until).catch(() => undefined);
    }
    const { cluster, session, finished, reason } = effect;
    this.#logs?.flush();
    await this.#link.goodbye(cluster, session, finished, reason);
    this.#take({ kind: 'farewell' });
  }

  #makeLogs(): LogShipper | null {
    const { bus, clock, identity, logs } = this.#ports;
    const { agent, boot } = identity;
    if (logs === undefined) return null;
    return new LogShipper({ ...logs, bus, clock, agent, boot, standing: () => this.#standing() });
  }

  /** In whose name it may speak; null while it has no session. */
  #standing() {
    const { mode, cluster, session } = this.#state;
    const isHeard = mode !== 'greeting' && mode !== 'ended';
    return isHeard && cluster !== null && session !== null ? { cluster, session } : null;
  }

  #pulse(): Pulse | null {
    const { mode, problem } = this.#state;
    const draining = this.#state.draining || mode === 'leaving';
    const standing = this.#standing();
    if (standing === null) return null;
    const engine = this.#ports.describeEngine();
    const tokens = reports(this.#state);
    const ahead = this.#ports.ahead?.jobs ?? 0;
    return { ...standing, tokens, engine, problem, draining, ahead, ...this.#ports.gpus?.() };
  }

  async #watchWork(): Promise<void> {
    const { clock } = this.#ports;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#checkWork();
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
    }
  }

  /** A library that is away, full, or another than the leader's is a problem, e.g.: no new work until that is mended. */
  async #checkWork(): Promise<void> {
    const expected = this.#expectedLibrary;
    const problem = await this.#ports
      .workProblem(expected)
      .catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
    // A welcome that came meanwhile has begun a check of its own.
    if (expected !== this.#expectedLibrary || this.#closing.signal.aborted) return;
    if (problem !== this.#state.problem) this.#take({ kind: 'problem', problem });
  }
}
