import type { AgentId, EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import type { EventStream } from '@podctl/platform/event-stream.ts';
import type { EventType } from '../../apps/coordinator/src/core/event.ts';
import { eventToStore } from '../../apps/coordinator/src/shell/event-record.ts';
import type { LoggedEvent } from '../../apps/coordinator/src/shell/fleet.ts';

export type EventFields = Partial<Omit<LoggedEvent, 'type'>> & { readonly type?: EventType };

/** Stores an event as a leader does; `revision` makes it another one than those before. */
export async function storeEvent(
  stream: EventStream,
  revision: number,
  fields: EventFields = {},
): Promise<void> {
  const event: LoggedEvent = {
    sequence: revision,
    revision,
    atMs: Date.UTC(2026, 0, 1) + revision,
    type: 'job_done',
    feed: 'alpha' as FeedId,
    episode: 'e'.repeat(26) as EpisodeId,
    stage: 'download',
    agent: 'gpu-1' as AgentId,
    title: 'The Long Case',
    message: `event ${revision}`,
    ...fields,
  };
  await stream.append(eventToStore(event, { cluster: 'c1', coordinator: 'one' }));
}
