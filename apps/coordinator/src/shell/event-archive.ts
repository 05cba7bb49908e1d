import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import { type EventRecord, eventRecord } from '@podctl/platform/event-record.ts';
import type {
  EventFilter,
  EventStream,
  EventsFrom,
  StoredEvent,
} from '@podctl/platform/event-stream.ts';

/** Which events are meant; each that is given must hold. */
export interface EventQuery {
  /** Empty: any. */
  readonly types: readonly string[];
  readonly feed: FeedId | null;
  readonly agent: AgentId | null;
  /** Not before, by the clock of who saw it, epoch ms. */
  readonly sinceMs: number | null;
}

export interface ArchivedEvent extends EventRecord {
  readonly sequence: number;
  /** The same for what tells the same (event-record.ts). */
  readonly id: string;
}

export interface EventPage {
  /** Oldest first. */
  readonly events: readonly ArchivedEvent[];
  /** Up to this one all was looked at. */
  readonly sequence: number;
  /** Whether the end was reached. */
  readonly isEnd: boolean;
}

/** What one question looks through at most; the rest is for the next page. */
const READ_MAX = 20_000;
const READ_SIZE = 500;
/** An event is stored a little after it was seen, by another machine's clock. */
const CLOCKS_APART_MS = 60_000;
const WINDOW_MIN = 256;
/** As many events as `READ_MAX`, where most of them are not meant. */
const NEWEST_READS_MAX = READ_MAX / READ_SIZE;
const WINDOW_GROWTH = 4;

/** Questions to the stream of events. They reject with EventsUnavailable, or as the signal says. */
export class EventArchive {
  readonly #stream: EventStream;

  constructor(stream: EventStream) {
    this.#stream = stream;
  }

  /** The next ones after a sequence, at most `size`. */
  async page(
    query: EventQuery,
    after: number,
    size: number,
    signal: AbortSignal,
  ): Promise<EventPage> {
    const chosen = this.#chosen(query);
    // Where the server does all the choosing, nothing is read in vain.
    const readSize = chosen.isExact ? size : READ_SIZE;
    const events: ArchivedEvent[] = [];
    let from = beginningOf(query, after);
    let sequence = after;
    for (let read = 0; read < READ_MAX; read += readSize) {
      const found = await this.#stream.read(from, chosen.filter, readSize, signal);
      const wanted = found.flatMap((stored) => archived(stored) ?? []).filter(chosen.matches);
      events.push(...wanted.slice(0, size - events.length));
      const isFull = events.length === size;
      sequence = (isFull ? events : found).at(-1)?.sequence ?? sequence;
      if (isFull || found.length < readSize) return { events, sequence, isEnd: !isFull };
      from = { kind: 'after', sequence };
    }
    return { events, sequence, isEnd: false };
  }

  /**
   * The newest ones, at most `count`. It looks further and further back, so that a long past costs nothing, and gives what
   * it found when it has read much. `sequence` is one that was really read: a replica that lags has not shown the end yet.
   */
  async newest(query: EventQuery, count: number, signal: AbortSignal): Promise<EventPage> {
    const { filter, matches } = this.#chosen(query);
    const { first, last } = await this.#stream.bounds(signal);
    const oldest = Math.max(first, await this.#firstSince(query, signal));
    const limit = Math.max(count, READ_SIZE);
    let events: ArchivedEvent[] = [];
    let sequence = 0;
    let size = WINDOW_MIN;
    for (let high = last, reads = 0; high >= oldest && reads < NEWEST_READS_MAX; reads += 1) {
      const low = Math.max(oldest, high - size + 1);
      const from = { kind: 'after', sequence: low - 1 } as const;
      const found = await this.#stream.read(from, filter, limit, signal);
      const foundTo = found.at(-1)?.sequence ?? 0;
      sequence = Math.max(sequence, foundTo);
      if (found.length === limit && foundTo < high) {
        // More is in there than one answer holds: a smaller window, down to one that cannot hold more.
        size = Math.max(limit, Math.ceil((high - low + 1) / WINDOW_GROWTH));
        continue;
      }
      const older = found
        .filter((stored) => stored.sequence <= high)
        .flatMap((stored) => archived(stored) ?? [])
        .filter(matches);
      events = [...older, ...events].slice(-count);
      if (events.length === count) break;
      high = low - 1;
      size *= WINDOW_GROWTH;
    }
    return { events, sequence, isEnd: true };
  }

  async last(signal: AbortSignal): Promise<number> {
    return (await this.#stream.bounds(signal)).last;
  }

  onAppend(listener: () => void): () => void {
    return this.#stream.onAppend(listener);
  }

  /** 1 where the query has no beginning. */
  async #firstSince({ sinceMs }: EventQuery, signal: AbortSignal): Promise<number> {
    if (sinceMs === null) return 1;
    const everything = { type: null, feed: null, agent: null };
    const from = { kind: 'since', storedMs: sinceMs - CLOCKS_APART_MS } as const;
    const [found] = await this.#stream.read(from, everything, 1, signal);
    return found?.sequence ?? Number.POSITIVE_INFINITY;
  }

  #chosen({ types, feed, agent, sinceMs }: EventQuery) {
    const [type = null, ...others] = types;
    const filter: EventFilter = { type: others.length === 0 ? type : null, feed, agent };
    const matches = (event: EventRecord) =>
      (types.length === 0 || types.includes(event.type)) &&
      (sinceMs === null || event.atMs >= sinceMs);
    return { filter, matches, isExact: others.length === 0 && sinceMs === null };
  }
}

function beginningOf({ sinceMs }: EventQuery, after: number): EventsFrom {
  if (sinceMs === null || after > 0) return { kind: 'after', sequence: after };
  return { kind: 'since', storedMs: Math.max(0, sinceMs - CLOCKS_APART_MS) };
}

/** Null for what cannot be read, which is passed over: a newer version's, or no event at all. */
function archived({ sequence, id, data }: StoredEvent): ArchivedEvent | null {
  const record = eventRecord.decode(data);
  return record.ok ? { ...record.value, sequence, id } : null;
}
