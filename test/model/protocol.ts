import { agentSteps } from './agent.ts';
import type { Emit, Explorable } from './checker.ts';
import { clientSteps } from './client.ts';
import type { FaultName } from './faults.ts';
import { brokenBy, INVARIANTS, isSettled } from './invariants.ts';
import { leaderSteps } from './leader.ts';
import { Model } from './model.ts';
import { downloaded } from './past.ts';
import { restoreSteps } from './restore.ts';
import type { State } from './state.ts';
import { verdictSteps } from './verdicts.ts';
import type { World } from './worlds.ts';
import { writeSteps } from './writes.ts';

/** The protocol of an episode's key in a small world, with or without a planted fault. */
export function protocol(world: World, fault: FaultName | null = null): Explorable<State> {
  const model = new Model(world, fault);
  return {
    first: world.downloaded ? downloaded(model) : model.first(),
    name: (state) => model.name(state),
    steps(state: State, emit: Emit<State>): void {
      clientSteps(model, state, emit);
      leaderSteps(model, state, emit);
      verdictSteps(model, state, emit);
      writeSteps(model, state, emit);
      agentSteps(model, state, emit);
      restoreSteps(model, state, emit);
    },
    broken(before, after) {
      const broken = brokenBy(before, after);
      return broken === null ? null : INVARIANTS[broken];
    },
    isSettled,
    progress: INVARIANTS.progress,
  };
}
