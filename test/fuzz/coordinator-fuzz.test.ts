import type { JobToken } from '@podctl/domain/protocol.ts';
import fc, { type Arbitrary } from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { locksOfSession } from '../../apps/coordinator/src/core/snapshot.ts';
import type { AgentDouble } from '../support/agent-double.ts';
import { CoordinatorWorld } from '../support/coordinator-world.ts';
import { mutated } from './hostile-json.ts';
import { HEARTBEATS, HELLOS, LOGS, RESULTS } from './messages.ts';
import { holds, keepsWithin } from './runs.ts';

type Start = Awaited<ReturnType<AgentDouble['nextStart']>>;

interface Sent {
  readonly subject: string;
  readonly data: Uint8Array;
}

const EPISODES = 8;
const STRANGERS = ['stranger-1', 'stranger-2', 'stranger-3', 'stranger-4'];
/** The twin carries them all; a NATS server lets each agent publish under its own name only. */
const NAMES = ['attacker', ...STRANGERS];
/** Under these nobody lives: no map may keep one. */
const nobody = fc.oneof(
  fc.stringMatching(/^[a-z0-9]{1,10}$/).map((name) => `nobody-${name}`),
  fc.constantFrom('', '*', '>', 'A', '../x', '__proto__', 'constructor', 'a.b', 'x'.repeat(200)),
);

let world: CoordinatorWorld;
let victim: AgentDouble;
let attacker: AgentDouble;
let starts: readonly Start[];

beforeAll(async () => {
  // The victim is silent while the others talk: on a slow machine for longer than an agent may be.
  world = await CoordinatorWorld.start({ lostAfterMs: 3_600_000 });
  victim = world.agent('victim');
  await victim.hello();
  await world.addFeed('alpha', EPISODES);
  starts = [await victim.nextStart(), await victim.nextStart()];
  attacker = world.agent('attacker');
  await attacker.hello();
  await attacker.nextStart();
  // Each of them says that it lives when it is asked: a hello of another process is refused at once.
  for (const name of STRANGERS)
    world.nats.client(name).bus.subscribe(`cmd.${name}`, (message) => message.respond(NOTHING));
});
afterAll(() => world.stop());

const NOTHING = new Uint8Array();

/** Messages as this world's agents would send them: about the victim's jobs, with its session, and with the attacker's. */
function messagesOf(samples: readonly object[], jobs: readonly JobToken[]): readonly object[] {
  const { cluster } = attacker;
  const senders = [victim, attacker].map(({ session, boot }) => ({ cluster, session, boot }));
  return samples.flatMap((sample) =>
    senders.flatMap((sender) =>
      jobs.map((job) => ({ ...sample, ...sender, ...about(sample, job) })),
    ),
  );
}

/** The fields of the sample that name jobs, with this one in them. */
function about(sample: object, job: JobToken): object {
  const named = {
    job,
    finished: [job],
    tokens: [{ ...job, phase: 'running', progress: 0.9 }],
  };
  return Object.fromEntries(Object.entries(named).filter(([field]) => field in sample));
}

function sent(): Arbitrary<Sent> {
  const jobs = starts.map(({ job }) => job);
  const live = fc.constantFrom(...NAMES);
  const said = (word: string, names: Arbitrary<string>, samples: readonly object[]) =>
    fc
      .tuple(names, mutated(messagesOf(samples, jobs)))
      .map(([name, data]) => ({ subject: `${word}.${name}`, data }));
  return fc.oneof(
    { weight: 3, arbitrary: said('hello', live, HELLOS) },
    { weight: 4, arbitrary: said('hb', fc.oneof(live, nobody), HEARTBEATS) },
    { weight: 3, arbitrary: said('log', fc.oneof(live, nobody), LOGS) },
    { weight: 4, arbitrary: said('res', fc.oneof(live, nobody), RESULTS) },
  );
}

/** What must be so at every moment, whatever came. */
function stateIsSound(): void {
  const { snapshot, reports } = world.coordinator.picture();
  const held = locksOfSession(snapshot, victim.id, victim.session);
  expect(held.map(({ lock }) => [lock.state, lock.token]).sort()).toEqual(
    starts.map(({ job }) => ['held', job.token]).sort(),
  );
  expect(snapshot.sessions.get(victim.id)?.record).toMatchObject({ state: 'live' });
  const known = new Set<string>(['victim', ...NAMES]);
  for (const agent of [...snapshot.sessions.keys(), ...reports.keys()])
    expect(known).toContain(agent);
  for (const { lock } of snapshot.locks.values()) expect(known).toContain(lock.agent);
  expect([snapshot.feeds.size, snapshot.unreadable.size]).toEqual([1, 0]);
  expect(world.episodes('alpha')).toHaveLength(EPISODES);
}

/** Long enough for a twin to carry a message, its writes and their echoes. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('whatever agents and strangers send, who holds a lock keeps it, nothing grows, and the next result counts', async () => {
  const { bus } = world.nats.client('hostile');
  await keepsWithin(16, () =>
    holds(
      'messages to a coordinator',
      { usual: 250, oneIn: 10 },
      sent(),
      async ({ subject, data }) => {
        bus.publish(subject, data);
        await settled();
        stateIsSound();
      },
    ),
  );
  // A goodbye of its own may have come through.
  await attacker.hello();
  victim.heartbeat(starts.map(({ job }) => ({ ...job, phase: 'running', progress: 0.5 })));
  const [start] = starts;
  expect(start && (await victim.complete(start))).toEqual({ kind: 'verdict', answer: 'accepted' });
});
