import { countWords } from '../../render/words.ts';
import { type Check, fail, ok, type Seen, skipped, unseenBy, warn } from './check.ts';
import { aheadMs, clockCheck } from './clock-words.ts';
import type { AgentFacts, ChosenEndpoint, Identity, ServerFacts } from './fleet-facts.ts';

const NAMED_MAX = 5;

export function judgeToken(identity: Identity, { hasToken }: ChosenEndpoint): Check {
  if (identity.kind === 'refused')
    return fail(
      'token',
      identity.why,
      identity.fix ?? 'ask an admin of the fleet for a new token ("podctl user create")',
    );
  const { name, role } = identity;
  if (name !== '') return ok('token', `you are ${name}, ${role}`);
  return ok('token', `nobody is asked for a token there${hasToken ? '; yours is not needed' : ''}`);
}

export function judgeCoordinator({ id, address, leading, epoch }: ServerFacts): Check {
  if (epoch === 0)
    return fail(
      'coordinator',
      `${id} at ${address} answers, and no coordinator leads`,
      'look at the checks nats and disk here: without NATS or its library no coordinator stands for leader; after a start it takes 10 s',
    );
  return ok('coordinator', `${id} at ${address} ${leading ? 'leads' : 'follows'}, term ${epoch}`);
}

export function judgeFleet(problem: Seen<string>): Check {
  if (problem.kind === 'unseen')
    return fail('fleet', problem.why, problem.fix ?? 'run "podctl status"');
  if (problem.value === '') return ok('fleet', 'nothing is wrong as a whole');
  const told = unseenBy(problem.value);
  const fix = told.kind === 'unseen' ? told.fix : null;
  return fail(
    'fleet',
    told.kind === 'unseen' ? told.why : problem.value,
    fix ?? 'mend what a check below says, or else look into the log of the coordinator',
  );
}

export function judgeAgents(agents: Seen<readonly AgentFacts[]>): Check {
  if (agents.kind === 'unseen')
    return fail('agents', agents.why, agents.fix ?? 'run "podctl agent list"');
  const live = agents.value.filter((agent) => agent.live);
  const lost = agents.value.filter((agent) => !agent.live);
  const troubled = live.find(({ problem }) => problem !== '');
  if (live.length === 0)
    return warn(
      'agents',
      lost.length === 0
        ? 'there is none, so nothing is worked on'
        : `none is live of ${names(lost)}`,
      lost.length === 0
        ? 'make a machine one: "podctl agent token create --print-command" prints the line for it'
        : 'run "podctl doctor --agent" on one of their machines',
    );
  if (troubled !== undefined)
    return warn(
      'agents',
      `${troubled.id} says: ${troubled.problem}`,
      `run "podctl doctor --agent" on the machine of ${troubled.id}`,
    );
  if (lost.length > 0)
    return warn(
      'agents',
      `${live.length} live; silent: ${names(lost)}`,
      'run "podctl doctor --agent" on their machines, or "podctl agent remove" those that are gone for good',
    );
  return ok('agents', `${countWords(live.length, 'agent')} live`);
}

/** A coordinator and an agent, or a client, may be one minor version apart. */
export function judgeVersions(
  client: string,
  server: string,
  agents: Seen<readonly AgentFacts[]> | null,
): Check {
  const others = [
    { who: 'this podctl', version: client },
    ...(agents?.kind === 'seen' ? agents.value.filter(({ live }) => live) : []).map((agent) => ({
      who: agent.id,
      version: agent.version,
    })),
  ].map((one) => ({ ...one, apart: minorsApart(one.version, server) }));
  const far = others.find(({ apart }) => apart === null || apart > 1);
  const words = (one: { who: string; version: string }) =>
    `the coordinator is ${server}, ${one.who} ${one.version === '' ? 'of no version' : one.version}`;
  const fix = 'bring both to the newer one: coordinators first, then agents, then clients';
  if (far !== undefined)
    return fail('versions', `${words(far)}: more than one minor version apart`, fix);
  const near = others.find(({ version }) => version !== server);
  if (near !== undefined) return warn('versions', words(near), fix);
  return ok('versions', `${server} everywhere`);
}

export function judgeClock({ clock }: ServerFacts): Check {
  const ahead = aheadMs(clock);
  if (ahead === null)
    return skipped('clock', 'the coordinator is older and does not tell its time');
  return clockCheck('clock', ahead, "the coordinator's clock", "this machine's");
}

/** Null where a version is none. Another major version is far. */
export function minorsApart(a: string, b: string): number | null {
  const pattern = /^v?(\d+)\.(\d+)\./;
  const [, majorA, minorA] = pattern.exec(a) ?? [];
  const [, majorB, minorB] = pattern.exec(b) ?? [];
  if (minorA === undefined || minorB === undefined) return null;
  return majorA === majorB ? Math.abs(Number(minorA) - Number(minorB)) : Number.POSITIVE_INFINITY;
}

function names(agents: readonly AgentFacts[]): string {
  const shown = agents.slice(0, NAMED_MAX).map(({ id }) => id);
  const more = agents.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
