import type { Clock } from '@podctl/platform/clock.ts';
import { eventRecord } from '@podctl/platform/event-record.ts';
import { EVERY_EVENT, type EventStream } from '@podctl/platform/event-stream.ts';
import type { EventLog } from './event-log.ts';
import { type EventOrigin, eventIdOf, eventToStore } from './event-record.ts';
import type { LoggedEvent } from './fleet.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';

export interface EventRecorderOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly stream: EventStream;
  readonly events: EventLog;
  readonly coordinator: string;
  cluster(): string;
  connected(): boolean;
  /** Told how many were stored, and how many were not before they had to go. */
  recorded(stored: number, dropped: number): void;
}

const TICK_MS = 1_000;
const SPACING_MS = 20;
/** A stream that refuses is not asked at each event. What waits has its place in the log. */
const REST_MS_MAX = 30_000;
/** On their way at a time. A leader that dies leaves holes only among so many of the last. */
const UNDER_WAY_MAX = 64;
/** The newest stored ones that are compared, half of them to find where to go on: many times what is under way. */
const COMPARED = 512;
/** Where nothing is stored at all, what this coordinator saw before is news for so long. */
const NEWS_MS = 3_600_000;
const FLUSH_MS = 1_000;

/**
 * Stores in the stream what this coordinator sees, while it leads. It begins with what it saw and nobody has stored, so
 * that a change of leader loses nothing: an event's id says which change of the state it tells, and the stream takes an id
 * once. So an event is stored at least once, and twice only if its repeat comes later than `EVENT_REPEAT_MS` and is not
 * among the compared ones. What no coordinator lived to see is not told: of a key only the newest value is ever known.
 * The log is the queue: it waits for nobody, and what leaves it before it could be stored is counted.
 */
export class EventRecorder extends Loop {
  readonly #options: EventRecorderOptions;
  /** Whether somebody has stored it; null until that was looked up. */
  #isStored: ((event: LoggedEvent) => boolean) | null = null;
  #flushed: Promise<void> | null = null;

  constructor(options: EventRecorderOptions) {
    super('event recorder', {
      ...{ ...options, tickMs: TICK_MS, spacingMs: SPACING_MS, restMsMax: REST_MS_MAX },
    });
    this.#options = options;
  }

  /** What is left is stored first, if that is quickly done: the next leader may be a new process, which saw nothing. */
  override async stop(): Promise<void> {
    await super.stop();
    this.#flushed ??= this.#flush();
    await this.#flushed;
  }

  protected override async turn(signal: AbortSignal): Promise<void> {
    const { events, recorded } = this.#options;
    this.#isStored ??= await this.#lookBack(signal);
    for (;;) {
      const batch = events.next(events.stored, UNDER_WAY_MAX);
      const [first, last] = [batch[0], batch.at(-1)];
      if (first === undefined || last === undefined) return;
      const isStored = this.#isStored;
      const left = batch.filter((event) => !isStored(event));
      await Promise.all(left.map((event) => this.#append(event)));
      // The place in the log is the next recorder's then.
      if (signal.aborted) return;
      recorded(left.length, first.sequence - events.stored - 1);
      events.stored = last.sequence;
    }
  }

  async #append(event: LoggedEvent): Promise<void> {
    await this.#options.stream.append(eventToStore(event, this.#origin()));
  }

  async #lookBack(signal: AbortSignal): Promise<(event: LoggedEvent) => boolean> {
    const { stream, events, clock } = this.#options;
    const origin = this.#origin();
    const { last } = await stream.bounds(signal);
    const from = { kind: 'after', sequence: Math.max(0, last - COMPARED) } as const;
    const stored = await stream.read(from, EVERY_EVENT, COMPARED * 2, signal);
    const ids = new Set(stored.map(({ id }) => id));
    const recent = stored.slice(-COMPARED / 2).flatMap(({ data }) => {
      const record = eventRecord.decode(data);
      return record.ok && record.value.cluster === origin.cluster ? [record.value] : [];
    });
    const revisions = recent.flatMap(({ revision }) => (revision === null ? [] : [revision]));
    const newestMs = Math.max(clock.wallMs() - NEWS_MS, ...recent.map(({ atMs }) => atMs));
    const firstRevision = Math.min(...revisions);
    signal.throwIfAborted();
    const upTo = events.newest();
    // What this log forgot while another one led was that one's to store.
    const [oldest] = events.next(events.stored, 1);
    if (oldest !== undefined) events.stored = oldest.sequence - 1;
    return (event) => {
      if (event.sequence > upTo) return false;
      if (ids.has(eventIdOf(event, origin))) return true;
      if (event.revision === null || revisions.length === 0) return event.atMs < newestMs;
      return event.revision < firstRevision;
    };
  }

  async #flush(): Promise<void> {
    const { clock, connected, events, log } = this.#options;
    if (this.#isStored === null || !connected() || events.stored === events.newest()) return;
    const over = new AbortController();
    const limit = clock.sleep(FLUSH_MS, over.signal).catch(() => undefined);
    const stored = this.turn(over.signal).catch((error: unknown) =>
      log.warn({ reason: String(error) }, 'the last events could not be stored'),
    );
    await Promise.race([stored, limit]);
    over.abort();
  }

  #origin(): EventOrigin {
    const { coordinator, cluster } = this.#options;
    return { coordinator, cluster: cluster() };
  }
}
