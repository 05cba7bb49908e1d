import type { AgentId } from '@podctl/domain/ids.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import { expect, it } from 'vitest';
import { HandBuiltFleet } from '../../../../test/support/hand-built-fleet.ts';
import { fleetMetrics } from '../api/fleet-metrics.ts';
import { agentViews } from './view.ts';

it('an agent that is cordoned before its first hello is shown so, with no session, until it is uncordoned', () => {
  const library = new MemoryLibrary('m'.repeat(16), 1, () => 0);
  const fleet = new HandBuiltFleet(new ManualClock(), library);
  const later = 'b9' as AgentId;
  const views = () => agentViews(fleet.picture());
  const cordoned = () =>
    fleetMetrics(fleet.picture(), fleet.info(), 0)
      .find(({ name }) => name === 'podctl_agent_cordon')
      ?.samples.filter(({ value }) => value === 1);
  fleet.cordon(later, { kind: 'cordoned', reason: 'not yet' });
  expect(views()).toMatchObject([
    { record: { agent: later }, word: 'cordoned', session: 0, cordon: { reason: 'not yet' } },
  ]);
  expect(cordoned()).toMatchObject([{ labels: { agent: later, state: 'cordoned' } }]);
  fleet.cordon(later, { kind: 'open' });
  expect([views(), cordoned()]).toEqual([[], []]);
});
