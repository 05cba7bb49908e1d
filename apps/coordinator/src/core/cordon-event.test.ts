import type { AgentId } from '@podctl/domain/ids.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import { expect, it } from 'vitest';
import { HandBuiltFleet } from '../../../../test/support/hand-built-fleet.ts';
import { eventsOfCordon } from './cordon-event.ts';
import type { CordonRow } from './snapshot.ts';

const agent = 'a1' as AgentId;
const fleet = new HandBuiltFleet(new ManualClock(), new MemoryLibrary('m'.repeat(16), 1, () => 0));
const row = (fields: Partial<CordonRow['record']>): CordonRow => {
  fleet.cordon(agent, fields);
  const found = fleet.snapshot.cordons.get(agent);
  if (found === undefined) throw new Error('it was just folded');
  return found;
};

it('each change of what people decided about an agent is told once, with who and why', () => {
  const cordoned = row({ kind: 'cordoned', reason: 'new disk', by: 'ada' });
  const of = { feed: null, episode: null, stage: null, agent };
  expect(eventsOfCordon(null, cordoned)).toEqual([
    { ...of, type: 'agent_cordoned', message: 'it is given no new work (ada): new disk' },
  ]);
  const reworded = row({ kind: 'cordoned', reason: 'two disks', by: 'ada' });
  expect(eventsOfCordon(cordoned, reworded)).toEqual([]);
  const draining = row({ kind: 'draining' });
  expect(eventsOfCordon(reworded, draining)).toMatchObject([{ type: 'agent_draining' }]);
  const drained = row({ kind: 'drained', by: 'ada' });
  expect(eventsOfCordon(draining, drained)).toMatchObject([
    { type: 'agent_drained', message: 'it holds nothing; it idles until it is uncordoned' },
  ]);
  const open = row({ kind: 'open' });
  expect(eventsOfCordon(drained, open)).toMatchObject([{ type: 'agent_uncordoned' }]);
  expect(eventsOfCordon(null, open)).toEqual([]);
});
