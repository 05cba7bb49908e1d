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

/** Events kept for those who come later. */
const KEPT_MAX = 1_000;
/** Titles that may be looked up at a time; beyond, events go without. */
const LOOKUPS_MAX = 200;

/** The newest events, numbered. In memory: what must last is in the state. */
export class EventLog implements EventSource {
  readonly #options: EventLogOptions;
  readonly #events: LoggedEvent[] = [];
  #newest = 0;
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

  /** Numbered in the order of the calls, once their titles are known. */
  add(events: readonly FleetEvent[]): void {
    for (const event of events) {
      const atMs = this.#options.clock.wallMs();
      this.#waiting += 1;
      const title = this.#title(event);
      this.#tail = this.#tail.then(async () => {
        this.#append(event, atMs, await title);
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

  #append(event: FleetEvent, atMs: number, title: string): void {
    this.#newest += 1;
    this.#events.push({ ...event, sequence: this.#newest, atMs, title });
    if (this.#events.length > KEPT_MAX) this.#events.shift();
    this.#options.added();
  }
}
