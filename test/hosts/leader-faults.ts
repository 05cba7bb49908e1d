import type { Fleet, Load } from './fleet.ts';
import type { HostProcess } from './host-process.ts';
import { type Assigned, assignments, isAccepted, longestGapMs, revocations } from './ledger.ts';
import type { Scenario, Seen } from './scenario.ts';

/** How much there is to do, and how long each takes: the agents must not all be busy for as long as the figure allows. */
interface Work {
  readonly episodes: number;
  readonly paceMs: number;
}
const STEADY: Work = { episodes: 40, paceMs: 1_600 };
/** For a figure below a second: an assignment is due every 50 ms. */
const DENSE: Work = { episodes: 100, paceMs: 200 };
/** After an outage the fleet must be seen at work again, not only once. */
const ASSIGNMENTS_AFTER = 6;

/** The faults of coordinators: what counts is when assignments go on, and that what ran goes on. */
export const LEADER_FAULTS: readonly Scenario[] = [
  {
    id: 'leader-killed',
    fault: 'the leading coordinator is killed (-9)',
    until: 'assignments go on',
    limitMs: 8_000,
    engine: 'stand-in',
    play: (fleet) => leaderFault(fleet, (leader) => leader.end('SIGKILL')),
  },
  {
    id: 'leader-stopped',
    fault: 'the leading coordinator is stopped politely',
    until: 'assignments go on',
    limitMs: 1_000,
    engine: 'stand-in',
    play: (fleet) =>
      leaderFault(fleet, async (leader) => leader.signal('SIGTERM'), undefined, DENSE),
  },
  {
    id: 'leader-cut',
    fault: 'the leading coordinator is cut off, and back after 20 s',
    until: 'assignments go on',
    limitMs: 8_000,
    engine: 'stand-in',
    play: leaderCut,
  },
  pausedFor(10),
  pausedFor(60),
];

function pausedFor(seconds: number): Scenario {
  return {
    id: `leader-paused-${seconds}`,
    fault: `the leading coordinator is paused for ${seconds} s`,
    until: 'assignments go on',
    limitMs: 8_000,
    engine: 'stand-in',
    play: async (fleet) => {
      const leader = fleet.leader();
      const after = fleet.sleep(seconds * 1_000);
      return leaderFault(
        fleet,
        async () => leader.signal('SIGSTOP'),
        async () => {
          await after();
          leader.signal('SIGCONT');
          await deposed(fleet, leader);
        },
      );
    },
  };
}

async function leaderCut(fleet: Fleet): Promise<Seen> {
  const leader = fleet.leader();
  const after = fleet.sleep(20_000);
  return leaderFault(
    fleet,
    () => fleet.network.cut(leader.host),
    async () => {
      await after();
      await fleet.network.heal(leader.host);
      await deposed(fleet, leader);
    },
  );
}

/** Resolves when the one that was away knows that another leads. */
async function deposed(fleet: Fleet, leader: HostProcess): Promise<void> {
  await fleet.until(`${leader.name} knowing that it does not lead`, () =>
    leader.said.findLast(({ fields }) =>
      ['leading', 'no longer leading'].includes(String(fields.msg)),
    )?.fields.msg === 'no longer leading'
      ? true
      : null,
  );
}

/** @param back what ends the fault, while the fleet works */
async function leaderFault(
  fleet: Fleet,
  strike: (leader: HostProcess) => Promise<unknown>,
  back: () => Promise<unknown> = async () => undefined,
  { episodes, paceMs } = STEADY,
): Promise<Seen> {
  await fleet.pace(paceMs);
  const load = await fleet.load(episodes);
  const leader = fleet.leader();
  const running = fleet.transcribing(load.feed);
  const oldEpoch = Math.max(...running.map(({ epoch }) => epoch));
  const struckMs = performance.now();
  await strike(leader);
  const after = await newReign(fleet, struckMs, oldEpoch);
  const recoveredMs = longestGapMs(fleet.recorder, struckMs, after);
  await Promise.all([back(), fleet.finish(load)]);
  await fleet.calm();
  return { recoveredMs, notes: [], wrongs: await lostWork(fleet, load, running, struckMs) };
}

/** Resolves to the time at which enough was assigned in a new reign. */
export async function newReign(fleet: Fleet, sinceMs: number, oldEpoch: number): Promise<number> {
  return fleet.until('assignments by another leader', () => {
    const later = assignments(fleet.recorder, sinceMs).filter(({ epoch }) => epoch > oldEpoch);
    return later.length >= ASSIGNMENTS_AFTER ? (later.at(-1)?.atMs ?? null) : null;
  });
}

/** Jobs that ran when the fault came must end in their own token's result, and files must be what was accepted. */
export async function lostWork(
  fleet: Fleet,
  load: Load,
  running: readonly Assigned[],
  sinceMs: number,
): Promise<string[]> {
  const given = revocations(fleet.recorder, sinceMs);
  const lost = running
    .filter((job) => !isAccepted(fleet.recorder, job))
    .map(({ key, token, agent }) => {
      const reason = given.find((one) => one.key === key && one.token === token)?.reason;
      return `the work of ${agent} on ${key} (token ${token}) was lost: ${reason ?? 'why is not known'}`;
    });
  return [...lost, ...(await fleet.wrongFiles(load))];
}
