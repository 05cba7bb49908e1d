import type { HostRules } from '@podctl/domain/host-state.ts';
import { BUCKETS } from '@podctl/domain/key.ts';
import type { ResultMessage } from '@podctl/domain/protocol.ts';
import { TERM_RULES } from '@podctl/domain/term.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import { Agent, type AgentPorts } from '../../apps/agent/src/shell/agent.ts';
import { Coordinator } from '../../apps/coordinator/src/coordinator.ts';
import type { CoordinatorPorts } from '../../apps/coordinator/src/ports.ts';
import type { CoordinatorSettings } from '../../apps/coordinator/src/settings.ts';
import { MemoryJournal } from './memory-journal.ts';
import type { Link } from './network.ts';
import { type Host, SimProcess } from './process.ts';
import { SimBus } from './sim-bus.ts';
import { SimFeeds } from './sim-feeds.ts';
import { SimKv } from './sim-kv.ts';
import { SimLibrary } from './sim-library.ts';
import { simWorkers } from './sim-workers.ts';
import type { Simulation } from './simulation.ts';
import type { World } from './world.ts';

/** One place of a process: the machine stays, the lives come and go. */
export interface Seat<T> {
  readonly role: 'coordinator' | 'agent';
  readonly host: Host;
  lives: number;
  process: SimProcess | null;
  link: Link | null;
  what: T | null;
  /** Stays down until somebody says otherwise. */
  isHeldDown: boolean;
}

const STATE_TIMEOUT_MS = 5_000;
const LEAD_TIMEOUT_MS = 1_500;
const RESTART_MS_MAX = 12_000;
/** A process that was asked to stop is cut off then. */
const STOP_MS_MAX = 10_000;
export const LOST_AFTER_MS = 30_000;
export const EPOCH_MS = Date.UTC(2026, 0, 1);

/** Starts the processes of a world, and starts them again when they died. */
export class Fleet {
  readonly coordinators: readonly Seat<Coordinator>[];
  readonly agents: readonly (Seat<Agent> & { readonly index: number })[];
  readonly #sim: Simulation;
  readonly #journals = new Map<string, Map<string, ResultMessage>>();
  readonly #failures = new Map<string, number>();

  constructor(simulation: Simulation) {
    this.#sim = simulation;
    const { world, random } = simulation;
    const seat = (role: 'coordinator' | 'agent', n: number) => ({
      role,
      host: {
        name: `${role}-${n + 1}`,
        wallOffsetMs: random.between(-3_000, 3_000),
        libraryAway: null,
      },
      lives: 0,
      process: null,
      link: null,
      what: null,
      isHeldDown: false,
    });
    this.coordinators = Array.from({ length: world.coordinators }, (_, n) =>
      seat('coordinator', n),
    );
    this.agents = world.agents.map((_, index) => ({ ...seat('agent', index), index }));
  }

  start(): void {
    for (const seat of this.coordinators)
      this.#sim.time.after(this.#sim.random.between(0, 500), () => this.startCoordinator(seat));
    for (const seat of this.agents)
      this.#sim.time.after(this.#sim.random.between(0, 3_000), () => this.startAgent(seat));
  }

  /** Results that wait on the disks of the agents. */
  journalled(): number {
    return [...this.#journals.values()].reduce((sum, results) => sum + results.size, 0);
  }

  seats(): readonly (Seat<Coordinator> | Seat<Agent>)[] {
    return [...this.coordinators, ...this.agents];
  }

  startCoordinator(seat: Seat<Coordinator>): void {
    if (seat.isHeldDown || (seat.process !== null && !seat.process.isDead)) return;
    const { process, link } = this.#begin(seat, () => this.startCoordinator(seat));
    const { world, time, plant, random, recorder } = this.#sim;
    const plain = this.#coordinatorPorts(process, link);
    const ports = plant?.coordinator?.(plain, process, this.#sim) ?? plain;
    const feeds = new SimFeeds(world, time, random.fork(process.name), process);
    const coordinator = new Coordinator(ports, settingsOf(seat.host.name, world), feeds);
    seat.what = coordinator;
    coordinator.broken().catch(() => process.crash());
    coordinator.start().catch((error: unknown) => {
      recorder.trace.add(process.name, 'could not start', error);
      process.crash();
    });
  }

  startAgent(seat: Seat<Agent> & { readonly index: number }): void {
    if (seat.isHeldDown || (seat.process !== null && !seat.process.isDead)) return;
    const { process, link } = this.#begin(seat, () => this.startAgent(seat));
    const { plant, recorder } = this.#sim;
    const plain = this.#agentPorts(seat, process, link);
    const agent = new Agent(plant?.agent?.(plain, process, this.#sim) ?? plain);
    seat.what = agent;
    void agent.ended.then(({ reason }) => {
      recorder.trace.add(process.name, 'ends', reason);
      process.crash();
    });
    agent.start().catch((error: unknown) => {
      recorder.trace.add(process.name, 'could not start', error);
      process.crash();
    });
  }

  /** Asks a process to end in order. */
  stop(seat: Seat<Coordinator> | Seat<Agent>): void {
    const { process, what } = seat;
    if (process === null || what === null || process.isDead) return;
    this.#sim.recorder.trace.add(process.name, 'is asked to stop');
    process.enter(() => {
      if (what instanceof Agent) what.leave();
      else
        what.stop().then(
          () => process.crash(),
          () => process.crash(),
        );
    });
    this.#sim.time.after(STOP_MS_MAX, () => process.crash());
  }

  #begin(seat: Seat<unknown>, again: () => void) {
    const { time, network, random, recorder } = this.#sim;
    seat.lives += 1;
    const process = new SimProcess(`${seat.host.name}#${seat.lives}`, seat.host, time, EPOCH_MS);
    const link = network.connect(process);
    seat.process = process;
    seat.link = link;
    recorder.trace.add(process.name, 'starts');
    process.onDeath(() => {
      recorder.trace.add(process.name, 'is dead');
      if (!seat.isHeldDown) time.after(random.between(1_000, RESTART_MS_MAX), again);
    });
    return { process, link };
  }

  #coordinatorPorts(process: SimProcess, link: Link): CoordinatorPorts {
    const { network, exchange, disk, recorder, moments } = this.#sim;
    const random = this.#sim.random.fork(process.name);
    const kv = (name: string, timeoutMs: number) =>
      new SimKv(network, link, name, timeoutMs, {
        sending: (key) => {
          this.#sim.sending(process, key);
          moments.pass(process, 'sending', key);
        },
        answered: (key) => moments.pass(process, 'answered', key),
      });
    return {
      clock: process.clock,
      bus: new SimBus(exchange, link),
      state: kv(BUCKETS.state, STATE_TIMEOUT_MS),
      meta: kv(BUCKETS.meta, STATE_TIMEOUT_MS),
      lead: kv(BUCKETS.lead, LEAD_TIMEOUT_MS),
      library: new SimLibrary(disk, process),
      log: loggerOf(process, recorder.trace.add.bind(recorder.trace)),
      connected: () => link.looksConnected,
      natsVersion: () => 'sim',
      randomBytes: (count) => random.bytes(count),
      random: () => random.next(),
      planned: () => {},
      polled: () => {},
      happened: (events) => this.#sim.happened(process, events),
    };
  }

  #agentPorts(
    seat: Seat<Agent> & { readonly index: number },
    process: SimProcess,
    link: Link,
  ): AgentPorts {
    const { exchange, disk, recorder, world, moments } = this.#sim;
    const random = this.#sim.random.fork(process.name);
    const of = world.agents[seat.index];
    if (of === undefined) throw new Error('every seat has its agent');
    const journal = this.#journals.get(of.id) ?? new Map<string, ResultMessage>();
    this.#journals.set(of.id, journal);
    const library = new SimLibrary(disk, process);
    const workers = simWorkers({
      ...{ world, process, library, agent: of.id, failures: this.#failures },
      begun: (by, assignment) => this.#sim.begun(by, assignment),
      resumed: (by, { job }) =>
        recorder.trace.add(by.name, 'goes on from a checkpoint', job.episode),
      misread: (by, { job }, what) =>
        recorder.violate(
          'A reader of the library never sees a part',
          `${by.name} ${job.episode} ${what}`,
        ),
    });
    return {
      bus: new SimBus(exchange, link),
      clock: process.clock,
      random: () => random.next(),
      log: loggerOf(process, recorder.trace.add.bind(recorder.trace)),
      identity: {
        agent: of.id,
        boot: `${process.name}-${random.between(0, 1e9)}`,
        host: seat.host.name,
        version: '0',
        engine: 'sim',
        slots: of.slots,
      },
      journal: new MemoryJournal(journal, process, moments),
      workProblem: async (expected) => {
        const health = await library.check();
        if (health.kind === 'offline') return `The library is offline: ${health.reason}`;
        return expected === null || expected === library.id ? null : 'another library is mounted';
      },
      workers,
      describeEngine: () => 'sim',
      observe: () => {},
    };
  }
}

function loggerOf(process: SimProcess, add: (...words: readonly unknown[]) => void): Logger {
  const line = (fields: object, message: string) => add(process.name, 'says', message, fields);
  const log: Logger = { debug: () => {}, info: line, warn: line, error: line, child: () => log };
  return log;
}

/** Those of every coordinator: startsPerSecond is more than the slots of all agents. */
export function hostRulesOf({ hostLimit }: World): HostRules {
  return {
    ...{ parallelMax: hostLimit, limits: {}, startsPerSecond: 10 },
    ...{ coolDownFirstMs: 1_000, coolDownMaxMs: 4_000 },
  };
}

function settingsOf(coordinator: string, world: World): CoordinatorSettings {
  return {
    coordinator,
    version: '0',
    address: () => coordinator,
    proveAlone: false,
    libraryId: 'library-1',
    term: TERM_RULES,
    hosts: hostRulesOf(world),
    plan: { downloadsMax: 30, transcribersMax: 'auto', multiWorkerMinEpisodes: 2, feedShareMax: 1 },
    retry: {
      failuresMax: world.failuresMax,
      lossesMax: world.lossesMax,
      backoffFirstMs: 500,
      backoffMaxMs: 3_000,
    },
    poll: { pollEveryMs: 30_000, backoffFirstMs: 3_000, backoffMaxMs: 10_000, failingAfter: 3 },
    fetch: {
      // Never asked: the feeds of a simulation come through their own port.
      dispatcher: undefined as never,
      userAgent: '',
      wireBytesMax: 0,
      bytesMax: 0,
      totalMs: 0,
      idleMs: 0,
    },
    itemsMax: 1_000,
    view: { stalledAfterMs: 600_000, staleAfterMs: 3_600_000, failingAfter: 3 },
    revokeStale: false,
    heartbeatMs: 5_000,
    lostAfterMs: LOST_AFTER_MS,
    sweepEveryMs: 20_000,
    sweepOlderThanMs: 60_000,
    model: 'tiny.en',
    language: null,
  };
}
