import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { VerdictAnswer } from '@podctl/domain/verdict.ts';
import type { Fleet, Load } from './fleet.ts';
import { HTTP_AGENT, JOURNAL_DISK_AGENT, LOST_AFTER_MS } from './fleet-files.ts';
import type { HostProcess } from './host-process.ts';
import { lostWork } from './leader-faults.ts';
import { type Assigned, assignments, revocations } from './ledger.ts';
import { childrenOf } from './network.ts';
import type { Scenario, Seen } from './scenario.ts';

const EPISODES = 16;
const PACE_MS = 3_000;
const LONG_MS = 600_000;
const REFILL_MS = 50;
const LOST_LIMIT_MS = LOST_AFTER_MS + 2_000;
const STRUCK = 'gpu-2';
const NOTHING = { recoveredMs: null, notes: [], wrongs: [] };

/** The faults of agents: what counts is when their work is given to others, and that none of it is accepted twice. */
export const AGENT_FAULTS: readonly Scenario[] = [
  {
    id: 'agent-killed',
    fault: 'an agent is killed (-9) in the middle of a job',
    until: 'its job is queued again',
    limitMs: LOST_LIMIT_MS,
    engine: 'stand-in',
    play: agentKilled,
  },
  {
    id: 'engine-killed',
    fault: 'the engine of an agent is killed (-9) in the middle of a job',
    until: 'its job is queued again',
    limitMs: 2_000,
    engine: 'stand-in',
    play: engineKilled,
  },
  {
    id: 'agent-cut',
    fault:
      'an agent is cut off in the middle of a job, ends it alone, and is back when it was given away',
    until: 'its job is queued again',
    limitMs: LOST_LIMIT_MS,
    engine: 'stand-in',
    play: agentCut,
  },
  {
    id: 'same-id',
    fault: 'a second agent with the id of a living one is started on another host',
    until: 'the second one ends',
    limitMs: null,
    engine: 'stand-in',
    play: sameId,
  },
  {
    id: 'disk-full',
    fault: 'the disk with the journal of an agent is full, and has room again',
    until: 'its next result is accepted',
    limitMs: null,
    engine: 'stand-in',
    play: journalDiskFull,
  },
  {
    id: 'spool-full',
    fault: 'the disk of an agent without a mount of the library is full, and has room again',
    until: 'its next result is accepted',
    limitMs: null,
    engine: 'stand-in',
    play: spoolDiskFull,
  },
];

async function agentKilled(fleet: Fleet): Promise<Seen> {
  await fleet.pace(PACE_MS);
  const load = await fleet.load(EPISODES);
  const { job, others } = jobsAt(fleet, load, STRUCK);
  const struckMs = performance.now();
  await fleet.agent(STRUCK).end('SIGKILL');
  const recoveredMs = await requeuedAfterMs(fleet, job, struckMs);
  await fleet.finish(load);
  await fleet.calm();
  return { ...NOTHING, recoveredMs, wrongs: await lostWork(fleet, load, others, struckMs) };
}

async function engineKilled(fleet: Fleet): Promise<Seen> {
  await fleet.pace(PACE_MS);
  const load = await fleet.load(EPISODES);
  const { job, others } = jobsAt(fleet, load, STRUCK);
  const engine = await fleet.untilTold('the engine being at work', async () => {
    const [child] = await childrenOf(fleet.agent(STRUCK).pid);
    return child ?? null;
  });
  const struckMs = performance.now();
  process.kill(engine, 'SIGKILL');
  const recoveredMs = await requeuedAfterMs(fleet, job, struckMs);
  const nextMs = await fleet.until('the next job of that agent', () => {
    const next = assignments(fleet.recorder, struckMs + recoveredMs).find(
      ({ agent, stage }) => agent === STRUCK && stage === 'transcribe',
    );
    return next?.atMs ?? null;
  });
  await fleet.finish(load);
  const notes = [`it was given its next job ${inSeconds(nextMs - struckMs)} after the fault`];
  return { recoveredMs, notes, wrongs: await lostWork(fleet, load, others, struckMs) };
}

/** The job ends while the agent is alone, so that its result is there and comes too late. */
async function agentCut(fleet: Fleet): Promise<Seen> {
  await fleet.pace(LONG_MS);
  const load = await fleet.load(EPISODES);
  const { job, others } = jobsAt(fleet, load, STRUCK);
  const agent = fleet.agent(STRUCK);
  const before = await fencedResults(fleet);
  const struckMs = performance.now();
  await fleet.network.cut(agent.host);
  const recoveredMs = await requeuedAfterMs(fleet, job, struckMs);
  await fleet.pace(PACE_MS);
  await fleet.until('the job being held by another agent', () => given(fleet, job));
  await fleet.untilTold('the result in the journal of the agent that is alone', async () => {
    const names = await readdir(join(fleet.files.stateOf(STRUCK), 'results'));
    return names.some((name) => name.endsWith('.json')) ? true : null;
  });
  const healedMs = performance.now();
  await fleet.network.heal(agent.host);
  const answer = await fleet.until('an answer to the late result', () => verdictOn(fleet, job));
  const backMs = performance.now() - healedMs;
  await fleet.until('the agent saying that its result was fenced', () =>
    agent.linesWith('"answer":"fenced"', healedMs).length > 0 ? true : null,
  );
  await fleet.finish(load);
  await fleet.calm();
  const counted = (await fencedResults(fleet)) - before;
  const wrongs = await lostWork(fleet, load, others, struckMs);
  if (answer !== 'fenced') wrongs.push(`the late result was answered ${answer}`);
  if (counted < 1) wrongs.push('podctl_fenced_results_total did not rise');
  const notes = [
    `its late result was answered ${inSeconds(backMs)} after the link was back: ${answer}`,
  ];
  return { recoveredMs, notes, wrongs };
}

async function sameId(fleet: Fleet): Promise<Seen> {
  await fleet.pace(PACE_MS);
  const load = await fleet.load(EPISODES);
  const running = fleet.transcribing(load.feed);
  const struckMs = performance.now();
  fleet.double.start();
  await fleet.until('the end of the second agent', () => (fleet.double.running ? null : true));
  const recoveredMs = performance.now() - struckMs;
  const wrongs = fleet.double.ended === '4' ? [] : [`it ended with ${fleet.double.ended}, not 4`];
  await fleet.finish(load);
  wrongs.push(...(await lostWork(fleet, load, running, struckMs)));
  const refused = fleet.double.said.at(-1)?.fields.msg;
  return { recoveredMs, notes: [`it said: ${refused}`], wrongs };
}

/** What it works on lies in the library, on another disk. */
async function journalDiskFull(fleet: Fleet): Promise<Seen> {
  await fleet.pace(PACE_MS);
  const load = await fleet.load(EPISODES);
  const running = fleet.transcribing(load.feed);
  const agent = fleet.agent(JOURNAL_DISK_AGENT);
  const struckMs = performance.now();
  const disk = fullDisk(fleet, agent);
  const complaints = () =>
    agent.linesWith('The journal of results cannot be written', struckMs).length;
  await fleet.until('a result of the agent on the full disk', () =>
    complaints() > 0 ? settledBy(fleet, agent.name, struckMs) : null,
  );
  const recoveredMs = await disk.empty();
  await fleet.finish(load);
  const wrongs = await lostWork(fleet, load, running, struckMs);
  return { recoveredMs, notes: [`it said so ${complaints()} times, and worked on`], wrongs };
}

/** Nothing can be worked on without room: what it has is handed back or fails, and is done by the others. */
async function spoolDiskFull(fleet: Fleet): Promise<Seen> {
  await fleet.pace(PACE_MS);
  const load = await fleet.load(EPISODES);
  const { others } = jobsAt(fleet, load, HTTP_AGENT);
  const agent = fleet.agent(HTTP_AGENT);
  const struckMs = performance.now();
  const disk = fullDisk(fleet, agent);
  const first = await fleet.until(
    'the agent handing work back',
    () => revocations(fleet.recorder, struckMs).find((one) => one.agent === agent.name) ?? null,
  );
  const recoveredMs = await disk.empty();
  await fleet.finish(load);
  const given = revocations(fleet.recorder, struckMs).filter((one) => one.agent === agent.name);
  const wrongs = await lostWork(fleet, load, others, struckMs);
  const notes = [`${given.length} jobs came back from it, the first because: ${first.reason}`];
  return { recoveredMs, notes, wrongs };
}

/** Its disk as that process sees it, since it is mounted for it alone; kept full, whatever the agent removes. */
function fullDisk(fleet: Fleet, agent: HostProcess) {
  const filler = `/proc/${agent.pid}/root${fleet.files.stateOf(agent.name)}/filler`;
  const emptying = new AbortController();
  const filling = (async () => {
    while (!emptying.signal.aborted) {
      await fill(filler);
      await wait(REFILL_MS);
    }
  })();
  return {
    /** Resolves to the time from then until the next result of the agent is accepted. */
    empty: async (): Promise<number> => {
      emptying.abort();
      await filling;
      const emptiedMs = performance.now();
      await rm(filler);
      await fleet.until('a result of it with room again', () =>
        settledBy(fleet, agent.name, emptiedMs, 'accepted'),
      );
      return performance.now() - emptiedMs;
    },
  };
}

/** What that agent transcribes now, and what the others do. */
function jobsAt(fleet: Fleet, { feed }: Load, agent: string) {
  const running = fleet.transcribing(feed);
  const job = running.find((one) => one.agent === agent);
  if (job === undefined) throw new Error(`${agent} has no job`);
  return { job, others: running.filter((one) => one.agent !== agent) };
}

/** Resolves to the time from the fault until the token's lock came free. */
async function requeuedAfterMs(fleet: Fleet, job: Assigned, struckMs: number): Promise<number> {
  const { atMs } = await fleet.until(
    'the job being queued again',
    () =>
      revocations(fleet.recorder, struckMs).find(
        ({ key, stage, token }) => key === job.key && stage === job.stage && token === job.token,
      ) ?? null,
  );
  return atMs - struckMs;
}

function given(fleet: Fleet, { key, stage, agent }: Assigned): true | null {
  const lock = fleet.recorder.newest.get(key)?.state.stages[stage].lock;
  return lock?.state === 'held' && lock.agent !== agent ? true : null;
}

function verdictOn(fleet: Fleet, { key, stage, token }: Assigned): string | null {
  const verdict = fleet.recorder.verdicts.find(
    (one) => one.key === key && one.stage === stage && one.token === token,
  );
  return verdict?.answer ?? null;
}

function settledBy(
  fleet: Fleet,
  agent: string,
  sinceMs: number,
  answer: VerdictAnswer | null = null,
): true | null {
  const settled = fleet.recorder.verdicts.some(
    (verdict) =>
      verdict.agent === agent &&
      verdict.stage === 'transcribe' &&
      verdict.atMs > sinceMs &&
      (answer === null || verdict.answer === answer),
  );
  return settled ? true : null;
}

async function fencedResults(fleet: Fleet): Promise<number> {
  const url = fleet.files.metricsOf(fleet.leader().name);
  return (await fleet.api.metricOf(url, 'podctl_fenced_results_total')) ?? 0;
}

/** Adds until there is no room. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'a');
  try {
    for (let i = 0; i < 10_000; i += 1) await file.write(Buffer.alloc(4_096));
    throw new Error(`${path} is on a disk that is too large to be filled`);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  } finally {
    await file.close();
  }
}

const inSeconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
