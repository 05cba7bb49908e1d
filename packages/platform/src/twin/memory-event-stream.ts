import type { Clock } from '../clock.ts';
import {
  type AppendedEvent,
  EVENT_REPEAT_MS,
  EVENTS_MAX,
  type EventBounds,
  type EventFilter,
  type EventStream,
  type EventsFrom,
  EventsUnavailable,
  type EventToStore,
  type StoredEvent,
} from '../event-stream.ts';

interface KeptEvent extends EventToStore {
  readonly sequence: number;
  readonly storedMs: number;
}

/** The server's side of the twin's stream of events. */
export class MemoryEvents {
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  readonly #kept: KeptEvent[] = [];
  readonly #byId = new Map<string, KeptEvent>();
  #last = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  append(event: EventToStore): AppendedEvent {
    const storedMs = this.#clock.wallMs();
    const before = this.#byId.get(event.id);
    if (before !== undefined && before.storedMs > storedMs - EVENT_REPEAT_MS)
      return { sequence: before.sequence, repeated: true };
    this.#last += 1;
    const kept = { ...event, data: event.data.slice(), sequence: this.#last, storedMs };
    this.#kept.push(kept);
    this.#byId.set(event.id, kept);
    if (this.#kept.length > EVENTS_MAX) this.forget(1);
    for (const listener of this.#listeners) listener();
    return { sequence: this.#last, repeated: false };
  }

  read(from: EventsFrom, filter: EventFilter, limit: number): StoredEvent[] {
    const follows = (event: KeptEvent) =>
      from.kind === 'after' ? event.sequence > from.sequence : event.storedMs >= from.storedMs;
    return this.#kept
      .filter((event) => follows(event) && matches(event, filter))
      .slice(0, limit)
      .map(({ sequence, id, data }) => ({ sequence, id, data }));
  }

  bounds(): EventBounds {
    return { first: this.#kept[0]?.sequence ?? this.#last + 1, last: this.#last };
  }

  /** The oldest are forgotten, as by their age. */
  forget(count: number): void {
    this.#kept.splice(0, count);
  }

  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

interface Reach {
  readonly reachesServer: boolean;
}

/** One client's way to it. */
export class MemoryEventStream implements EventStream {
  readonly #client: Reach;
  readonly #events: MemoryEvents;

  constructor(client: Reach, events: MemoryEvents) {
    this.#client = client;
    this.#events = events;
  }

  async append(event: EventToStore): Promise<AppendedEvent> {
    await this.#reach('append');
    return this.#events.append(event);
  }

  async read(
    from: EventsFrom,
    filter: EventFilter,
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly StoredEvent[]> {
    signal.throwIfAborted();
    await this.#reach('read');
    return this.#events.read(from, filter, limit);
  }

  async bounds(signal: AbortSignal): Promise<EventBounds> {
    signal.throwIfAborted();
    await this.#reach('look');
    return this.#events.bounds();
  }

  onAppend(listener: () => void): () => void {
    return this.#events.onAppend(() => {
      if (this.#client.reachesServer) listener();
    });
  }

  /** A client that is cut off is told at once: the real one waits for its line first. */
  async #reach(what: string): Promise<void> {
    await Promise.resolve();
    if (!this.#client.reachesServer)
      throw new EventsUnavailable(what, new Error('no answer (twin)'));
  }
}

function matches(event: KeptEvent, { type, feed, agent }: EventFilter): boolean {
  if (type !== null && event.type !== type) return false;
  if (feed !== null && event.feed !== feed) return false;
  return agent === null || event.agent === agent;
}
