import type { AgentId, SessionId } from '@podctl/domain/ids.ts';
import { isCanary } from '@podctl/domain/retry.ts';
import { slotsOf } from '@podctl/domain/session.ts';
import { byStage, STAGES, type Stage } from '@podctl/domain/stage.ts';
import type { Candidate, PlannedAgent } from './plan.ts';
import { type FullAgent, keeperOf } from './plan-ahead.ts';

/** The free slots of the agents. One canary at a time in the fleet: many of them would keep all agents waiting. */
export class SlotPool {
  #hasCanary: boolean;
  /** Free slots of all open agents, since it is asked for each feed. */
  readonly #free: { [S in Stage]: number } = byStage(() => 0);
  readonly #agents: {
    readonly agent: PlannedAgent;
    free: { [S in Stage]: number };
    busy: number;
    closed: boolean;
  }[];

  constructor(agents: readonly PlannedAgent[]) {
    this.#hasCanary = agents.some((agent) => agent.runsCanary);
    this.#agents = agents.map((agent) => ({
      agent,
      free: byStage((stage) => slotsOf(agent.slots, stage) - agent.running[stage]),
      busy: sum(STAGES, (stage) => agent.running[stage]),
      closed: agent.runsCanary,
    }));
    for (const stage of STAGES) {
      const open = this.#agents.filter(({ closed }) => !closed);
      this.#free[stage] = sum(open, ({ free }) => Math.max(0, free[stage]));
    }
  }

  free(stage: Stage): number {
    return this.#free[stage];
  }

  /** Agents without a free slot that may hold more ahead, those that hold least first. */
  full(stage: Stage): FullAgent[] {
    return this.#agents
      .filter(
        ({ agent, free, closed }) =>
          !closed && free[stage] === 0 && slotsOf(agent.slots, stage) > 0,
      )
      .map(({ agent }) => ({ agent, room: (agent.ahead?.max ?? 0) - (agent.ahead?.waiting ?? 0) }))
      .filter(({ room }) => room > 0)
      .sort((a, b) => b.room - a.room || (a.agent.agent < b.agent.agent ? -1 : 1));
  }

  /** Of the full agents with room the one that is to have this next. */
  keeper(stage: Stage, { lostBy, failedWith }: Candidate, full: readonly FullAgent[]) {
    if (isCanary(lostBy) && this.#hasCanary) return null;
    const able = this.#able(stage, lostBy).map(({ agent }) => agent);
    return keeperOf(full, able, failedWith);
  }

  /** Who lost it before only when nobody else is there. */
  #able(stage: Stage, lostBy: readonly AgentId[]) {
    const open = this.#agents.filter(
      (entry) => !entry.closed && slotsOf(entry.agent.slots, stage) > 0,
    );
    const fresh = open.filter((entry) => !lostBy.includes(entry.agent.agent));
    return fresh.length > 0 ? fresh : open;
  }

  hasFree(stage: Stage): boolean {
    return this.#free[stage] > 0;
  }

  /** The agent with the most free slots, spread evenly; one that lost the job before only when nobody else is there. */
  take(
    stage: Stage,
    { lostBy, failedWith = [] }: Candidate,
  ): { agent: AgentId; session: SessionId } | null {
    const canary = isCanary(lostBy);
    if (canary && this.#hasCanary) return null;
    const able = this.#able(stage, lostBy);
    const others = able.filter(({ agent }) => !failedWith.includes(agent.agent));
    const best = canary ? leastBusy(able) : (mostFree(others, stage) ?? mostFree(able, stage));
    if (best === undefined) return null;
    if (canary) {
      // Kept empty from now on, so that its turn comes however much other work there is.
      best.closed = true;
      this.#hasCanary = true;
      for (const each of STAGES) this.#free[each] -= Math.max(0, best.free[each]);
      if (best.busy > 0) return null;
    }
    best.free[stage] -= 1;
    if (!best.closed) this.#free[stage] -= 1;
    best.busy += 1;
    return { agent: best.agent.agent, session: best.agent.session };
  }
}

function mostFree<T extends { free: { [S in Stage]: number }; agent: PlannedAgent }>(
  entries: readonly T[],
  stage: Stage,
): T | undefined {
  return entries
    .filter((entry) => entry.free[stage] > 0)
    .sort((a, b) => b.free[stage] - a.free[stage] || (a.agent.agent < b.agent.agent ? -1 : 1))[0];
}

function leastBusy<T extends { busy: number; agent: PlannedAgent }>(
  entries: readonly T[],
): T | undefined {
  return [...entries].sort(
    (a, b) => a.busy - b.busy || (a.agent.agent < b.agent.agent ? -1 : 1),
  )[0];
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
