import type { Clock } from '@podctl/platform/clock.ts';
import type { ArchivedEvent, EventArchive, EventQuery } from '../shell/event-archive.ts';
import { Wake } from './wake.ts';

/**
 * Takes some events, oldest first, or none as a sign of life, and where to go on after them. Nothing more is read before
 * it resolves.
 */
export type TakeEvents = (events: readonly ArchivedEvent[], sequence: number) => Promise<void>;

/** Of one message. */
export const FOLLOW_EVENTS_MAX = 500;
const HEARTBEAT_MS = 10_000;
/** The word that something was appended may come before it can be read: looked at again after these times … */
const LOOKS_MS = [50, 200, 1_000];
/** … and then, since the word may be lost, so often. */
const IDLE_MS = 5_000;

/**
 * Hands on what is stored after a sequence, then what comes, until the signal is aborted, whose reason it rejects with; or
 * with EventsUnavailable. A reader that takes its time finds the rest in the stream: nothing waits for it here.
 */
export async function followEvents(
  archive: EventArchive,
  query: EventQuery,
  after: number,
  clock: Clock,
  take: TakeEvents,
  signal: AbortSignal,
): Promise<never> {
  const news = new NewsWait(archive, clock);
  try {
    let sequence = after;
    let sentAtMs = clock.monotonicMs();
    for (;;) {
      const page = await archive.page(query, sequence, FOLLOW_EVENTS_MAX, signal);
      sequence = page.sequence;
      const isDue = clock.monotonicMs() - sentAtMs >= HEARTBEAT_MS;
      if (page.events.length > 0 || isDue) {
        await take(page.events, sequence);
        sentAtMs = clock.monotonicMs();
      }
      if (page.isEnd) await news.wait(signal);
    }
  } finally {
    news.stop();
  }
}

/** When to look again. */
class NewsWait {
  readonly stop: () => void;
  readonly #clock: Clock;
  readonly #appended: Wake;
  #isNews = false;
  /** Since the last word. */
  #looks = 0;

  constructor(archive: EventArchive, clock: Clock) {
    this.#clock = clock;
    this.#appended = new Wake(clock);
    this.stop = archive.onAppend(() => {
      this.#isNews = true;
      this.#appended.wake();
    });
  }

  async wait(signal: AbortSignal): Promise<void> {
    if (this.#isNews) this.#looks = 0;
    this.#isNews = false;
    const waitMs = LOOKS_MS[this.#looks] ?? IDLE_MS;
    // The first wait is not cut short: events that come one by one are read together.
    if (this.#looks === 0) await this.#clock.sleep(waitMs, signal);
    else await this.#appended.wait(waitMs, signal);
    this.#looks += 1;
  }
}
