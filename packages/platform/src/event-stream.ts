import type { AgentId, FeedId } from '@podctl/domain/ids.ts';

/**
 * What happened, in the order in which it was stored, as a port: kept for a while, then forgotten, the oldest first.
 * Sequences rise and have no other meaning: some may be missing.
 */
export interface EventStream {
  /**
   * Stores it at the end. The same id again within `EVENT_REPEAT_MS` changes nothing and gives the first one's sequence.
   * Rejects with EventsUnavailable when that is not certain: repeat it.
   */
  append(event: EventToStore): Promise<AppendedEvent>;
  /** Those that match, oldest first, at most `limit`: fewer means that there were no more. Rejects with EventsUnavailable. */
  read(
    from: EventsFrom,
    filter: EventFilter,
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly StoredEvent[]>;
  /** First and newest sequence that are kept; the first is one more than the newest when nothing is. */
  bounds(signal: AbortSignal): Promise<EventBounds>;
  /** Calls back when somebody appends, here or elsewhere: a hint, which may be early, come twice, or be lost. */
  onAppend(listener: () => void): () => void;
}

/** A repeat of an id is known as one for so long. */
export const EVENT_REPEAT_MS = 120_000;
/** Messages that are kept at most, whatever their size. */
export const EVENTS_MAX = 500_000;

export interface EventToStore {
  readonly id: string;
  /** A word of a subject: letters, digits, `_`. */
  readonly type: string;
  readonly feed: FeedId | null;
  readonly agent: AgentId | null;
  readonly data: Uint8Array;
}

export interface AppendedEvent {
  readonly sequence: number;
  /** Its id was stored before. */
  readonly repeated: boolean;
}

export interface StoredEvent {
  readonly sequence: number;
  readonly id: string;
  readonly data: Uint8Array;
}

export type EventsFrom =
  /** After a sequence; 0: from the first that is kept. */
  | { readonly kind: 'after'; readonly sequence: number }
  /** Stored at this time or later, by the server's clock, epoch ms. */
  | { readonly kind: 'since'; readonly storedMs: number };

/** Null: whichever. */
export interface EventFilter {
  readonly type: string | null;
  readonly feed: FeedId | null;
  readonly agent: AgentId | null;
}

export const EVERY_EVENT: EventFilter = { type: null, feed: null, agent: null };

export interface EventBounds {
  readonly first: number;
  readonly last: number;
}

export class EventsUnavailable extends Error {
  constructor(what: string, cause: unknown) {
    const why = cause instanceof Error ? ` (${cause.message})` : '';
    super(`the stream of events did not answer: ${what}${why}`, { cause });
    this.name = 'EventsUnavailable';
  }
}
