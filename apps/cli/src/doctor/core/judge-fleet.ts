import { type Check, type CheckId, fail, type Seen, skipped } from './check.ts';
import type { ChosenEndpoint, ClientFacts, FleetFacts } from './fleet-facts.ts';
import {
  judgeAgents,
  judgeClock,
  judgeCoordinator,
  judgeFleet,
  judgeToken,
  judgeVersions,
} from './judge-coordinator.ts';
import { judgeBuckets, judgeDisks, judgeNats, judgeNatsClock, judgeSync } from './judge-nats.ts';
import { isReached, isTrusted, judgeReach, judgeTls } from './judge-reach.ts';

const FLEET: readonly CheckId[] = ['reach', 'tls', 'token'];
const SERVER: readonly CheckId[] = ['coordinator', 'fleet', 'agents', 'versions', 'clock'];
const NATS: readonly CheckId[] = ['nats', 'nats-clock', 'nats-buckets'];
const BEHIND: readonly CheckId[] = [...SERVER, ...NATS, 'nats-sync', 'disk'];

/** From the outside in: what depends on a check that failed is skipped, never guessed. */
export function judgeWholeFleet(client: ClientFacts, facts: FleetFacts | null): readonly Check[] {
  const { endpoint } = client;
  if (endpoint.kind === 'unseen' && !client.isEndpointNeeded) return [];
  if (endpoint.kind === 'unseen' || facts === null)
    return skipAll([...FLEET, ...BEHIND], 'no coordinator is known');
  const outer = [judgeReach(facts, endpoint.value), judgeTls(facts)];
  const reached = facts.addresses.filter(isReached);
  if (reached.length === 0)
    return [...outer, ...skipAll(['token', ...BEHIND], 'no coordinator was reached')];
  if (!reached.some(isTrusted))
    return [...outer, ...skipAll(['token', ...BEHIND], 'no coordinator proved who it is')];
  return [...outer, ...judgeInside(client, endpoint.value, facts)];
}

function judgeInside(
  client: ClientFacts,
  endpoint: ChosenEndpoint,
  facts: FleetFacts,
): readonly Check[] {
  const { identity, server, problem, agents } = facts;
  if (identity === null) return skipAll(['token', ...BEHIND], 'no coordinator was asked');
  if (identity.kind === 'unseen')
    return [skipped('token', 'the coordinator did not answer'), ...unanswered(identity)];
  const token = judgeToken(identity.value, endpoint);
  if (token.outcome === 'fail')
    return [token, ...skipAll(BEHIND, 'the coordinator tells it only to whom it knows')];
  if (server === null || server.kind === 'unseen') return [token, ...unanswered(server)];
  return [
    token,
    judgeCoordinator(server.value),
    problem === null ? skipped('fleet', 'not asked') : judgeFleet(problem),
    agents === null ? skipped('agents', 'not asked') : judgeAgents(agents),
    judgeVersions(client.podctlVersion, server.value.version, agents),
    judgeClock(server.value),
    ...judgeAround(facts),
  ];
}

/** What the coordinator sees around it. */
function judgeAround({ diagnosis, sync }: FleetFacts): readonly Check[] {
  if (diagnosis === null || diagnosis.kind === 'unseen') {
    const why = diagnosis === null ? 'the coordinator was not asked' : diagnosis.why;
    return [
      ...skipAll(NATS, why, diagnosis?.fix ?? null),
      judgeSync(sync),
      skipped('disk', why, diagnosis?.fix ?? null),
    ];
  }
  const { nats, disks } = diagnosis.value;
  const first = judgeNats(nats);
  const inner =
    first.outcome === 'fail' && nats.buckets.length === 0
      ? skipAll(['nats-clock', 'nats-buckets'], 'JetStream did not answer')
      : [judgeNatsClock(nats), judgeBuckets(nats)];
  return [first, ...inner, judgeSync(sync), judgeDisks(disks)];
}

function unanswered(asked: Seen<unknown> | null): readonly Check[] {
  if (asked === null || asked.kind === 'seen') return skipAll(BEHIND, 'no coordinator was asked');
  return [
    fail('coordinator', asked.why, asked.fix ?? 'look into the log of the coordinator'),
    ...skipAll(BEHIND.slice(1), 'the coordinator did not answer'),
  ];
}

function skipAll(
  ids: readonly CheckId[],
  why: string,
  fix: string | null = null,
): readonly Check[] {
  return ids.map((id) => skipped(id, why, fix));
}
