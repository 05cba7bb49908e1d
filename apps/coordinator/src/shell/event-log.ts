import { invariant } from '@podctl/domain/result.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { FleetEvent } from '../core/event.ts';
import type { EventSource, LoggedEvent } from './fleet.ts';

export interface EventLogOptions {
  readonly clock: Clock;
  /** The title of an episode; empty when it is not known. */
  titleOf(event: FleetEvent): Promise<string>;
  /** A new one is there to be read. */
  added(): void;
}

/** Events kept for those who come later, and for a stream that does not take them now. */
const KEPT_MAX = 10_000;
/** Titles that may be looked up at a time; beyond, events go without. */
const LOOKUPS_MAX = 200;

/**
 * The newest events that this coordinator saw, numbered from its start, those of before as far as they were stored. The
 * leader stores them in the stream (event-recorder.ts); whoever becomes leader finds here what nobody has stored yet.
 */
export class EventLog implements EventSource {
  readonly #options: EventLogOptions;
  readonly #events: LoggedEvent[] = [];
  #newest = 0;
  /** Up to this one nothing needs to be stored any more. */
  stored = 0;
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(options: EventLogOptions) {
    this.#options = options;
  }

  after(sequence: number, limit: number): readonly LoggedEvent[] {
    const first = this.#events[0]?.sequence ?? 1;
    const from = Math.max(0, sequence - first + 1);
    return this.#events.slice(Math.max(from, this.#events.length - limit));
  }

  newest(): number {
    return this.#newest;
  }

  /** The first ones after a sequence, oldest first: where some of them are not kept any more, there is a gap before. */
  next(sequence: number, limit: number): readonly LoggedEvent[] {
    const from = Math.max(0, sequence - (this.#events[0]?.sequence ?? 1) + 1);
    return this.#events.slice(from, from + limit);
  }

  /** Takes what was stored before this coordinator's time. Before the first `add`. */
  seed(events: readonly Omit<LoggedEvent, 'sequence'>[]): void {
    invariant(this.#newest === 0, 'what was before comes first');
    this.#events.push(...events.map((event, i) => ({ ...event, sequence: i + 1 })));
    this.#newest = events.length;
    this.stored = events.length;
  }

  /**
   * Numbered in the order of the calls, once their titles are known.
   *
   * @param revision of the change of the state that tells them; null: none does.
   */
  add(events: readonly FleetEvent[], revision: number | null): void {
    for (const event of events) {
      const atMs = this.#options.clock.wallMs();
      this.#waiting += 1;
      const title = this.#title(event);
      this.#tail = this.#tail.then(async () => {
        this.#append({ ...event, revision, atMs, title: await title });
        this.#waiting -= 1;
      });
    }
  }

  async #title(event: FleetEvent): Promise<string> {
    if (event.episode === null || this.#waiting > LOOKUPS_MAX) return '';
    try {
      return await this.#options.titleOf(event);
    } catch {
      return '';
    }
  }

  #append(event: Omit<LoggedEvent, 'sequence'>): void {
    this.#newest += 1;
    this.#events.push({ ...event, sequence: this.#newest });
    if (this.#events.length > KEPT_MAX) this.#events.shift();
    this.#options.added();
  }
}
