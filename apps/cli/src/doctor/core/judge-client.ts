import { type Check, fail, ok, skipped } from './check.ts';
import type { ClientFacts } from './fleet-facts.ts';

/** Types are stripped without a flag from here on. */
const NODE_MIN = [22, 18] as const;

export function judgeClient(facts: ClientFacts): readonly Check[] {
  return [programCheck(facts), contextCheck(facts)];
}

function programCheck({ podctlVersion, nodeVersion }: ClientFacts): Check {
  const words = `podctl ${podctlVersion}, Node ${nodeVersion}`;
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]))
    return ok('client', words);
  return fail('client', words, `run podctl with Node ${NODE_MIN.join('.')} or newer`);
}

function contextCheck({ endpoint, isEndpointNeeded }: ClientFacts): Check {
  if (endpoint.kind === 'seen') {
    const { addresses, origin } = endpoint.value;
    return ok('context', `${addresses.join(', ')} (${origin})`);
  }
  if (!isEndpointNeeded)
    return skipped('context', 'no coordinator is named here, and an agent needs none that is');
  return fail(
    'context',
    endpoint.why,
    endpoint.fix ?? 'choose a fleet with -c, or name a coordinator with --server host:port',
  );
}
