import type { Round, Strike, World } from './world.ts';

/**
 * What happens to a world besides the strike. Which processes die here, die for reasons of their own; a point that only
 * their deaths lead to is struck within them.
 */
export interface Scenario {
  readonly name: string;
  /** Needs a world of its own, struck from its first moment. */
  readonly isBirth: boolean;
  readonly play: (world: World, strike: Strike | null) => Promise<Round>;
}

/** In the order of preference: a point is struck in the first that leads to it. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'work', isBirth: false, play: work },
  { name: 'the agent is killed', isBirth: false, play: agentKilled },
  { name: 'the agent leaves', isBirth: false, play: agentLeaves },
  { name: 'the agent is lost', isBirth: false, play: agentLost },
  { name: 'the coordinator is killed', isBirth: false, play: coordinatorKilled },
  { name: 'the coordinator leaves', isBirth: false, play: coordinatorLeaves },
  { name: 'birth', isBirth: true, play: work },
];

async function work(world: World): Promise<Round> {
  return world.addRound();
}

async function agentKilled(world: World, strike: Strike | null): Promise<Round> {
  const round = await world.addRound();
  await world.untilHeld(round, 'transcribe');
  await world.agent.end('SIGKILL');
  world.agent.start(armedFor(strike, 'agent'));
  return round;
}

async function agentLeaves(world: World): Promise<Round> {
  const round = await world.addRound();
  await world.untilHeld(round, 'transcribe');
  await world.agent.end('SIGTERM');
  world.agent.start(null);
  return round;
}

async function agentLost(world: World, strike: Strike | null): Promise<Round> {
  const round = await world.addRound();
  await world.untilHeld(round, 'transcribe');
  await world.agent.end('SIGKILL');
  await world.untilSession('lost');
  world.agent.start(armedFor(strike, 'agent'));
  return round;
}

async function coordinatorKilled(world: World, strike: Strike | null): Promise<Round> {
  const round = await world.addRound();
  await world.untilHeld(round, 'transcribe');
  await world.coordinator.end('SIGKILL');
  world.coordinator.start(armedFor(strike, 'coordinator'));
  return round;
}

async function coordinatorLeaves(world: World): Promise<Round> {
  const round = await world.addRound();
  await world.untilHeld(round, 'transcribe');
  await world.coordinator.end('SIGTERM');
  world.coordinator.start(null);
  return round;
}

function armedFor(strike: Strike | null, role: Strike['role']) {
  return strike?.role === role ? strike.point : null;
}
