import type { CordonKind } from '@podctl/domain/cordon.ts';
import type { EventType, FleetEvent } from './event.ts';
import type { CordonRow } from './snapshot.ts';

const types: { readonly [K in CordonKind]: EventType } = {
  open: 'agent_uncordoned',
  cordoned: 'agent_cordoned',
  draining: 'agent_draining',
  drained: 'agent_drained',
};

const words: { readonly [K in CordonKind]: string } = {
  open: 'it is given work again',
  cordoned: 'it is given no new work',
  draining: 'it ends what it holds and is given no new work',
  drained: 'it holds nothing; it idles until it is uncordoned',
};

/** What the change of an agent's cordon tells. A new reason or deadline alone is no news. */
export function eventsOfCordon(before: CordonRow | null, after: CordonRow): FleetEvent[] {
  const { agent, kind, reason, by } = after.record;
  if ((before?.record.kind ?? 'open') === kind) return [];
  const whose = kind === 'drained' || by === '' ? '' : ` (${by})`;
  const why = reason === '' ? '' : `: ${reason}`;
  const message = `${words[kind]}${whose}${why}`;
  return [{ type: types[kind], feed: null, episode: null, stage: null, agent, message }];
}
