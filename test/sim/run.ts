import { STAGES } from '@podctl/domain/stage.ts';
import type { Agent } from '../../apps/agent/src/shell/agent.ts';
import type { Coordinator } from '../../apps/coordinator/src/coordinator.ts';
import type { Seat } from './fleet.ts';
import { Liveness } from './liveness.ts';
import { FAIR } from './network.ts';
import type { Plant } from './plant.ts';
import { makeSchedule, type Scheduled, type Target, type Trouble } from './schedule.ts';
import { Simulation } from './simulation.ts';
import type { World } from './world.ts';

export interface SeedResult {
  readonly seed: number;
  /** The sentences that were untrue, with what was seen; empty when all held. */
  readonly violations: readonly string[];
  readonly trace: readonly string[];
  readonly virtualMs: number;
  readonly events: number;
  readonly accepted: number;
}

export interface RunOptions {
  readonly plant?: Plant;
  readonly trace?: boolean;
  /** Changes the world that the seed makes, for a fault that needs one of a kind. */
  readonly shape?: (world: World) => World;
  readonly schedule?: (list: Scheduled[], world: World) => Scheduled[];
}

const TICK_MS = 1_000;
/** What may still be under way when all is done. */
const AFTER_MS = 3_000;
/** Names that a crash left behind are repaired in rounds of a minute: one begins, one goes through. */
const REPAIRED_MS = 200_000;
const REPAIR_STEP_MS = 20_000;

/** Makes the seed's world, lets it happen, and judges it. */
export async function runSeed(seed: number, options: RunOptions = {}): Promise<SeedResult> {
  const { plant, trace = false, shape, schedule } = options;
  const undo = plant?.substitute?.() ?? (() => {});
  try {
    const simulation = new Simulation(seed, plant ?? null, trace, shape);
    const made = makeSchedule(simulation.random.fork('schedule'), simulation.world);
    const run = new SeedRun(simulation, schedule?.(made, simulation.world) ?? made);
    await run.run().catch((error: unknown) => {
      const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
      simulation.recorder.violate('No handler of a message throws', words);
    });
    return {
      seed,
      violations: simulation.recorder.violations,
      trace:
        trace || simulation.recorder.violations.length > 0 ? simulation.recorder.trace.lines() : [],
      virtualMs: simulation.time.nowMs,
      events: simulation.time.events,
      accepted: simulation.recorder.accepted.size,
    };
  } finally {
    undo();
  }
}

class SeedRun {
  readonly #sim: Simulation;
  readonly #liveness: Liveness;
  #endsAtMs = Number.POSITIVE_INFINITY;
  #restores = 0;

  constructor(simulation: Simulation, schedule: readonly Scheduled[]) {
    this.#sim = simulation;
    this.#liveness = new Liveness(simulation);
    const { time, world, recorder, fleet } = simulation;
    fleet.start();
    for (const { atMs, trouble } of schedule)
      time.at(atMs, () => {
        recorder.trace.add('TROUBLE', trouble);
        this.#strike(trouble);
      });
    time.at(world.faultsEndMs, () => this.#quiet());
    time.after(TICK_MS, () => this.#tick());
  }

  async run(): Promise<void> {
    const { time, recorder, library } = this.#sim;
    const isOver = () => recorder.violations.length > 0 || time.nowMs >= this.#endsAtMs;
    await time.run(isOver);
    const repairedAtMs = time.nowMs + REPAIRED_MS;
    let notShown = await library.notShown();
    while (notShown !== null && recorder.violations.length === 0 && time.nowMs < repairedAtMs) {
      this.#endsAtMs = time.nowMs + REPAIR_STEP_MS;
      await time.run(isOver);
      notShown = await library.notShown();
    }
    if (recorder.violations.length > 0) return;
    if (notShown !== null)
      recorder.violate('The readable names show the newest accepted run', `not ${notShown}`);
    await library.everything();
  }

  #tick(): void {
    const { time } = this.#sim;
    this.#liveness.tick();
    if (this.#endsAtMs === Number.POSITIVE_INFINITY && this.#liveness.isAllDone())
      this.#endsAtMs = time.nowMs + AFTER_MS;
    time.after(TICK_MS, () => this.#tick());
  }

  /** Nothing goes wrong from here on: what was broken is mended, what sleeps wakes. */
  #quiet(): void {
    const { network, fleet, moments, recorder, world } = this.#sim;
    recorder.trace.add('QUIET');
    moments.isQuiet = true;
    Object.assign(network.weather, FAIR);
    network.leaderlessUntilMs = 0;
    for (const link of network.links) link.heal();
    for (const seat of fleet.seats()) {
      seat.host.libraryAway = null;
      seat.process?.resume();
    }
    for (const { id } of world.agents) this.#sim.wish(id, { kind: 'uncordon', by: '' });
    this.#liveness.quiet();
  }

  #strike(trouble: Trouble): void {
    const { network, time, moments } = this.#sim;
    switch (trouble.kind) {
      case 'crash':
        this.#seat(trouble.at)?.process?.crash();
        return;
      case 'stop': {
        const seat = this.#seat(trouble.at);
        if (seat !== null) this.#sim.fleet.stop(seat);
        return;
      }
      case 'pause': {
        const process = this.#seat(trouble.at)?.process;
        process?.pause(trouble.how);
        time.after(trouble.ms, () => process?.resume());
        return;
      }
      case 'cut': {
        const link = this.#seat(trouble.at)?.link;
        link?.cut(network.noticedAfterMs());
        time.after(trouble.ms, () => link?.heal());
        return;
      }
      case 'outage':
        this.#outage(trouble.ms);
        return;
      case 'leaderless':
        network.leaderlessUntilMs = time.nowMs + trouble.ms;
        return;
      case 'blind tails':
        network.blindTails();
        return;
      case 'weather':
        Object.assign(network.weather, trouble.weather);
        time.after(trouble.ms, () => Object.assign(network.weather, FAIR));
        return;
      case 'library away':
        this.#libraryAway(trouble.at, trouble.ms);
        return;
      case 'wall jump': {
        const seat = this.#seat(trouble.at);
        if (seat !== null) seat.host.wallOffsetMs += trouble.ms;
        return;
      }
      case 'ambush':
        moments.set({ ...trouble.ambush });
        return;
      case 'request':
        this.#request(trouble);
        return;
      case 'drain':
        this.#drain(trouble);
        return;
      case 'restore':
        this.#restore();
        return;
    }
  }

  #outage(ms: number): void {
    const { network, time } = this.#sim;
    const links = [...network.links];
    for (const link of links) link.cut(network.noticedAfterMs());
    time.after(ms, () => {
      for (const link of links) link.heal();
    });
  }

  #libraryAway(at: Target | null, ms: number): void {
    const { fleet, time } = this.#sim;
    const one = at === null ? null : this.#seat(at);
    const hosts =
      at === null ? fleet.seats().map(({ host }) => host) : one === null ? [] : [one.host];
    for (const host of hosts) host.libraryAway = 'its marker is not there';
    time.after(ms, () => {
      for (const host of hosts) host.libraryAway = null;
    });
  }

  #request({ pick, afterCommit }: Extract<Trouble, { kind: 'request' }>): void {
    if (afterCommit) {
      this.#sim.requestsAfterCommit += 1;
      return;
    }
    const rows = [...this.#sim.recorder.jobs.values()];
    const row = rows[pick % Math.max(1, rows.length)];
    if (row === undefined) return;
    const stage = STAGES[pick % STAGES.length] ?? 'download';
    this.#sim.request(row.feed, row.episode, stage, `asked-${pick}`);
  }

  #drain({ index, deadlineInMs, ms }: Extract<Trouble, { kind: 'drain' }>): void {
    const { time, world } = this.#sim;
    const agent = world.agents[index % world.agents.length]?.id;
    if (agent === undefined) return;
    this.#sim.wish(agent, { kind: 'drain', reason: '', by: '', deadlineInMs });
    time.after(ms, () => this.#sim.wish(agent, { kind: 'uncordon', by: '' }));
  }

  /** All coordinators are stopped, the buckets made anew from a backup, and the coordinators started again. */
  #restore(): void {
    const { fleet, time } = this.#sim;
    this.#restores += 1;
    if (this.#restores > 1) return;
    for (const seat of fleet.coordinators) {
      seat.isHeldDown = true;
      seat.process?.crash();
    }
    time.after(1_500, () => {
      this.#sim.restore();
      for (const seat of fleet.coordinators) {
        seat.isHeldDown = false;
        time.after(500, () => fleet.startCoordinator(seat));
      }
    });
  }

  #seat({ role, index }: Target): Seat<Coordinator> | Seat<Agent> | null {
    const { coordinators, agents } = this.#sim.fleet;
    const seats: readonly (Seat<Coordinator> | Seat<Agent>)[] =
      role === 'coordinator' ? coordinators : agents;
    return seats[index % seats.length] ?? null;
  }
}
