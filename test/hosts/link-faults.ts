import type { Fleet } from './fleet.ts';
import { SLOW_AGENT } from './fleet-files.ts';
import { lostWork } from './leader-faults.ts';
import { isAccepted } from './ledger.ts';
import type { Scenario, Seen } from './scenario.ts';

const EPISODES = 24;
const PACE_MS = 2_000;
const RESULTS = 3;

/** An agent behind a bad link is slow, and nothing else. */
export const LINK_FAULTS: readonly Scenario[] = [
  {
    id: 'slow-link',
    fault: 'an agent is behind a slow link: 300 ms each way, 32 kB/s, stalls of 3 s',
    until: `${RESULTS} results of it are accepted`,
    limitMs: null,
    engine: 'stand-in',
    play: slowLink,
  },
];

async function slowLink(fleet: Fleet): Promise<Seen> {
  await fleet.agent(SLOW_AGENT).end('SIGTERM');
  fleet.slowLink.start();
  await fleet.until('the link', () => (fleet.slowLink.linesWith('ready').length > 0 ? true : null));
  const beganMs = performance.now();
  fleet.slowAgent.start();
  await fleet.until('the agent behind the slow link being welcome', () =>
    fleet.slowAgent.linesWith('Welcomed by the leader', beganMs).length > 0 ? true : null,
  );
  await fleet.pace(PACE_MS);
  const struckMs = performance.now();
  const load = await fleet.load(EPISODES);
  const running = fleet.transcribing(load.feed);
  const verdicts = await fleet.until('results of the agent behind the slow link', () => {
    const given = fleet.recorder.verdicts.filter(
      ({ agent, stage, atMs }) => agent === SLOW_AGENT && stage === 'transcribe' && atMs > struckMs,
    );
    return given.length >= RESULTS ? given : null;
  });
  const recoveredMs = performance.now() - struckMs;
  await fleet.finish(load);
  const wrongs = await lostWork(fleet, load, running, struckMs);
  for (const { key, answer } of verdicts)
    if (answer !== 'accepted') wrongs.push(`its result of ${key} was answered ${answer}`);
  if (!running.every((job) => isAccepted(fleet.recorder, job)))
    wrongs.push('a job that ran was given to another agent');
  await fleet.slowAgent.end('SIGTERM');
  await fleet.slowLink.end('SIGKILL');
  await fleet.calm();
  return { recoveredMs, notes: ['the kernel need not have tc netem: a relay delays'], wrongs };
}
