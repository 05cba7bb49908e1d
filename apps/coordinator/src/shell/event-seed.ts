import { isEventType } from '../core/event.ts';
import type { CoordinatorPorts } from '../ports.ts';
import { EventArchive } from './event-archive.ts';
import type { EventLog } from './event-log.ts';

/** As many as a watcher is shown. */
const SEEDS = 100;

/** Gives the log what was stored before this coordinator's time. A stream that does not answer keeps nothing waiting. */
export async function seedEvents(
  events: EventLog,
  { eventStream, log }: CoordinatorPorts,
  signal: AbortSignal,
): Promise<void> {
  if (eventStream === undefined) return;
  const all = { types: [], feed: null, agent: null, sinceMs: null };
  try {
    const { events: stored } = await new EventArchive(eventStream).newest(all, SEEDS, signal);
    events.seed(
      stored.flatMap(({ sequence: _, cluster: __, type, ...event }) =>
        isEventType(type) ? [{ ...event, type }] : [],
      ),
    );
  } catch (error) {
    signal.throwIfAborted();
    log.warn({ reason: String(error) }, 'what happened before could not be read');
  }
}
