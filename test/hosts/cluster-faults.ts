import type { Fleet } from './fleet.ts';
import { lostWork } from './leader-faults.ts';
import { assignments, longestGapMs, revocations } from './ledger.ts';
import type { Scenario, Seen } from './scenario.ts';
import { TailWatch } from './tail-watch.ts';

const EPISODES = 40;
const PACE_MS = 1_600;
const ASSIGNMENTS_AFTER = 6;
const NATS_LIMIT_MS = 12_000;
const TAIL_LIMIT_MS = 5_000;
const REVOKED_LIMIT_MS = 5_000;

/** The faults of NATS. Nothing that runs may be lost by them. */
export const CLUSTER_FAULTS: readonly Scenario[] = [
  {
    id: 'nats-leader-killed',
    fault: 'the nats-server that leads the state is killed (-9)',
    until: 'assignments go on',
    limitMs: NATS_LIMIT_MS,
    engine: 'stand-in',
    play: natsLeaderKilled,
  },
  {
    id: 'nats-all-killed',
    fault: 'all three nats-servers are killed (-9) at once, and started again',
    until: 'assignments go on',
    limitMs: null,
    engine: 'stand-in',
    play: natsAllKilled,
  },
  {
    id: 'revoked',
    fault: 'an agent is revoked in the middle of a job, and joins anew with a fresh token',
    until: 'it is out of NATS, and its job is queued again',
    limitMs: REVOKED_LIMIT_MS,
    engine: 'stand-in',
    play: revoked,
  },
  {
    id: 'tail',
    fault: 'the nats-server with a coordinator’s tail consumer is killed (-9)',
    until: 'the longest that a coordinator’s answers were behind',
    limitMs: TAIL_LIMIT_MS,
    engine: 'stand-in',
    play: (fleet) => tailUnderFault(fleet, 'other'),
  },
  {
    id: 'tail-metadata',
    fault:
      'the nats-server that leads the metadata is killed (-9): no consumer can be made until another leads it',
    until: 'the longest that a coordinator’s answers were behind',
    limitMs: TAIL_LIMIT_MS,
    engine: 'stand-in',
    play: (fleet) => tailUnderFault(fleet, 'metadata leader'),
  },
];

async function natsLeaderKilled(fleet: Fleet): Promise<Seen> {
  await fleet.pace(PACE_MS);
  const load = await fleet.load(EPISODES);
  const running = fleet.transcribing(load.feed);
  const { stream } = await fleet.recorder.leaders();
  const server = fleet.server(stream);
  const struckMs = performance.now();
  await server.end('SIGKILL');
  await fleet.untilTold('another leader of the state', async () => {
    const now = await fleet.recorder.leaders();
    return now.stream !== '' && now.stream !== stream ? true : null;
  });
  // Since the fault, and not since it was noticed here: the work may be over by then.
  const after = await manyAssigned(fleet, struckMs);
  const recoveredMs = longestGapMs(fleet.recorder, struckMs, after);
  await fleet.nats.start();
  await fleet.finish(load);
  await fleet.calm();
  return { recoveredMs, notes: [], wrongs: await lostWork(fleet, load, running, struckMs) };
}

async function natsAllKilled(fleet: Fleet): Promise<Seen> {
  await fleet.pace(PACE_MS);
  const load = await fleet.load(EPISODES);
  const running = fleet.transcribing(load.feed);
  const struckMs = performance.now();
  await Promise.all(fleet.nats.servers.map((server) => server.end('SIGKILL')));
  await fleet.nats.start();
  const readyMs = performance.now() - struckMs;
  const recoveredMs = longestGapMs(fleet.recorder, struckMs, await manyAssigned(fleet));
  await fleet.finish(load);
  await fleet.calm();
  const notes = [`the servers were ready after ${inSeconds(readyMs)}`];
  return { recoveredMs, notes, wrongs: await lostWork(fleet, load, running, struckMs) };
}

async function revoked(fleet: Fleet): Promise<Seen> {
  const struck = 'gpu-2';
  await fleet.pace(PACE_MS);
  const load = await fleet.load(EPISODES);
  const running = fleet.transcribing(load.feed);
  const job = running.find(({ agent }) => agent === struck);
  if (job === undefined) throw new Error(`${struck} has no job`);
  const agent = fleet.agent(struck);
  const struckMs = performance.now();
  await fleet.api.revokeAgent(fleet.files.grpcOf(fleet.leader().name), struck);
  await fleet.until('the agent being shut out', () => (agent.running ? null : true));
  const outMs = performance.now() - struckMs;
  const { atMs } = await fleet.until(
    'its job being queued again',
    () => revocations(fleet.recorder, struckMs).find(({ token }) => token === job.token) ?? null,
  );
  const recoveredMs = Math.max(outMs, atMs - struckMs);
  await manyAssigned(fleet);
  const disturbed = [...fleet.coordinators, ...fleet.agents]
    .filter((process) => process !== agent)
    .filter((process) => process.linesWith('isconnected', struckMs).length > 0)
    .map(({ name }) => `${name} was disconnected by the revocation of another agent`);
  await fleet.enrol(struck);
  const backMs = performance.now();
  agent.start();
  const workedMs = await fleet.until('a job of the agent', () => {
    const next = assignments(fleet.recorder, backMs).find((one) => one.agent === struck);
    return next?.atMs ?? null;
  });
  await fleet.finish(load);
  await fleet.calm();
  const notes = [
    `its process ended after ${inSeconds(outMs)}, its job was queued after ${inSeconds(atMs - struckMs)}`,
    `started again with its new credential, it had a job after ${inSeconds(workedMs - backMs)}`,
  ];
  const others = running.filter((one) => one !== job);
  const wrongs = [...disturbed, ...(await lostWork(fleet, load, others, struckMs))];
  return { recoveredMs, notes, wrongs };
}

async function tailUnderFault(fleet: Fleet, struck: 'metadata leader' | 'other'): Promise<Seen> {
  await fleet.pace(PACE_MS);
  const load = await fleet.load(EPISODES);
  const running = fleet.transcribing(load.feed);
  const watch = new TailWatch(fleet);
  watch.start();
  const { consumers } = await fleet.recorder.leaders();
  const metadata = fleet.nats.metadataLeader();
  const others = consumers.filter((name) => name !== metadata.name);
  const server = struck === 'other' ? fleet.server(mostOf(others)) : metadata;
  const tails = consumers.filter((name) => name === server.name).length;
  const recreatedBefore = await watch.recreated();
  const struckMs = performance.now();
  await server.end('SIGKILL');
  await manyAssigned(fleet);
  await fleet.finish(load);
  await watch.caughtUp();
  const { behindMs, wrongs } = await watch.stop(load);
  await fleet.calm();
  const recreated = (await watch.recreated()) - recreatedBefore;
  if (recreated === 0 && struck === 'other') wrongs.push('no tail was struck');
  const notes = [
    `${server.name} had ${tails} of the ${consumers.length} consumers; tails were made anew ${recreated} times`,
  ];
  wrongs.push(...(await lostWork(fleet, load, running, struckMs)));
  return { recoveredMs: behindMs, notes, wrongs };
}

/** Resolves when work was given out several times from now on, to the time of the last. */
function manyAssigned(fleet: Fleet, sinceMs = performance.now()): Promise<number> {
  return fleet.until('assignments', () => {
    const later = assignments(fleet.recorder, sinceMs);
    return later.length >= ASSIGNMENTS_AFTER ? (later.at(-1)?.atMs ?? null) : null;
  });
}

function mostOf(names: readonly string[]): string {
  const count = (name: string) => names.filter((one) => one === name).length;
  return [...names].sort((a, b) => count(b) - count(a))[0] ?? '';
}

const inSeconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
