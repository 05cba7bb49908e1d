import { CORDON_KINDS, type CordonKind } from '@podctl/domain/cordon.ts';
import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HandBuiltFleet } from '../../../../test/support/hand-built-fleet.ts';
import { done } from '../../../../test/support/stage-change.ts';
import { type PlanLimits, plan } from './plan.ts';
import { planView } from './plan-view.ts';

const agents = ['a1', 'a2', 'a3', 'a4'] as AgentId[];
const limits: PlanLimits = {
  downloadsMax: 30,
  transcribersMax: 'auto',
  feedShareMax: 1,
  multiWorkerMinEpisodes: 2,
};

type Step =
  | { readonly do: 'cordon'; readonly agent: AgentId; readonly kind: CordonKind }
  | { readonly do: 'join' | 'lose'; readonly agent: AgentId };

const agent = fc.constantFrom(...agents);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('cordon'), agent, kind: fc.constantFrom(...CORDON_KINDS) }),
  fc.record({ do: fc.constantFrom('join', 'lose'), agent }),
);

/** A fleet with work for everybody after what happened to its agents, and who of them may be given work. */
function fleetAfter(steps: readonly Step[]) {
  const fleet = new HandBuiltFleet(
    new ManualClock(),
    new MemoryLibrary('m'.repeat(16), 1, () => 0),
  );
  for (let n = 0; n < 40; n += 1)
    fleet.episode('alpha' as FeedId, n, n % 2 === 0 ? undefined : done('download', 30));
  const kinds = new Map<AgentId, CordonKind>();
  const live = new Set<AgentId>();
  for (const [i, one] of steps.entries()) {
    if (one.do === 'cordon') {
      fleet.cordon(one.agent, { kind: one.kind });
      kinds.set(one.agent, one.kind);
    } else if (one.do === 'join') {
      fleet.agent(one.agent, { boot: `${i}` });
      live.add(one.agent);
    } else if (live.delete(one.agent)) fleet.agent(one.agent, { state: 'lost', session: 1 });
  }
  const open = [...live].filter((agent) => (kinds.get(agent) ?? 'open') === 'open');
  return { fleet, open };
}

it('an agent that is kept from work is never given a job, and nobody else goes without for it', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const { fleet, open } = fleetAfter(steps);
      const view = planView(fleet.snapshot, fleet.reports, 1_000);
      const given = new Set(plan(view, limits).map(({ agent }) => agent));
      expect([...given].sort()).toEqual(open.sort());
    }),
    { numRuns: 150 },
  );
});
