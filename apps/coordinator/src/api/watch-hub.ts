import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { Fleet, LoggedEvent } from '../shell/fleet.ts';
import { CallEnded, type Failure, failureOf } from './status.ts';
import { Wake } from './wake.ts';
import { heartbeatMessage, WatchFrame, type WatchMessage } from './watch-frame-map.ts';

/** One watcher's stream. */
export interface WatchSink {
  /** Resolves when the connection took the message; rejects with the signal's reason when that is aborted before. */
  send(message: WatchMessage, signal: AbortSignal): Promise<void>;
  /** Aborted when the caller left, or must leave. */
  readonly signal: AbortSignal;
}

const INTERVAL_MS_DEFAULT = 500;
const INTERVAL_MS_MIN = 100;
const INTERVAL_MS_MAX = 60_000;

const WATCHERS_MAX = 200;
const HEARTBEAT_AFTER_MS = 10_000;
/** The picture is mapped anew at most so often, however many watch and however much happens … */
const REFRESH_MS_MIN = 100;
/** … and at least so often, since time alone makes a feed stalled. */
const REFRESH_MS_MAX = 5_000;
/** A refresh that takes long (some 50 ms for 10,000 feeds) is followed by this many times its length of other work. */
const REFRESH_REST = 10;
const SNAPSHOT_EVENTS_MAX = 100;
const DELTA_EVENTS_MAX = 500;

/**
 * Serves the Watch streams: a snapshot, then deltas, then heartbeats while nothing changes.
 *   idle       nobody watches: no timer runs, nothing is mapped
 *   watched    one loop keeps one frame for all; each watcher waits for it to change
 * What is never true: a second message to a watcher whose connection has not taken the first. A slow watcher gets no
 * queue; when it can take something again it gets one delta with the newest state, and the count of the events it missed.
 */
export class WatchHub {
  readonly #fleet: Fleet;
  readonly #clock: Clock;
  readonly #onBug: (error: unknown) => void;
  readonly #happened: Wake;
  readonly #moved: Wake;
  readonly #frame = new WatchFrame();
  readonly #watchers = new Set<AbortController>();
  #dirty = true;
  #refreshMs = 0;
  #beginIdle: () => void = () => {};

  constructor(fleet: Fleet, clock: Clock, onBug: (error: unknown) => void) {
    this.#fleet = fleet;
    this.#clock = clock;
    this.#onBug = onBug;
    this.#happened = new Wake(clock);
    this.#moved = new Wake(clock);
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Serves one watcher until its signal is aborted, and gives why it ended. */
  async serve(intervalMs: number, sink: WatchSink): Promise<Failure> {
    if (this.#watchers.size >= WATCHERS_MAX)
      return {
        kind: 'exhausted',
        message: `${WATCHERS_MAX} watch this coordinator already: end some of them, or ask another coordinator`,
      };
    const watcher = new AbortController();
    const end = () => watcher.abort(sink.signal.reason);
    sink.signal.addEventListener('abort', end, { once: true });
    if (sink.signal.aborted) end();
    try {
      this.#enter(watcher);
      return await this.#stream(
        intervalMs,
        (message) => sink.send(message, watcher.signal),
        watcher.signal,
      );
    } catch (error) {
      if (!watcher.signal.aborted) throw error;
      return failureOf(watcher.signal.reason);
    } finally {
      sink.signal.removeEventListener('abort', end);
      this.#leave(watcher);
    }
  }

  async #stream(
    intervalMs: number,
    send: (message: WatchMessage) => Promise<void>,
    signal: AbortSignal,
  ): Promise<never> {
    let sequence = 1;
    let { version, newestEvent } = this.#frame;
    await send(this.#frame.snapshot(sequence, this.#eventsAfter(0, SNAPSHOT_EVENTS_MAX)));
    let sentAtMs = this.#clock.monotonicMs();
    let deltaDueMs = sentAtMs + intervalMs;
    for (;;) {
      signal.throwIfAborted();
      const nowMs = this.#clock.monotonicMs();
      const changed = this.#frame.version !== version;
      const dueMs = Math.min(
        sentAtMs + HEARTBEAT_AFTER_MS,
        changed ? deltaDueMs : Number.POSITIVE_INFINITY,
      );
      if (nowMs < dueMs) {
        await this.#moved.wait(dueMs - nowMs, signal);
        continue;
      }
      sequence += 1;
      if (changed && nowMs >= deltaDueMs) {
        const message = this.#delta(sequence, version, newestEvent);
        ({ version, newestEvent } = this.#frame);
        await send(message);
        deltaDueMs = this.#clock.monotonicMs() + intervalMs;
      } else await send(heartbeatMessage(sequence, this.#clock.wallMs()));
      sentAtMs = this.#clock.monotonicMs();
    }
  }

  #delta(sequence: number, version: number, sentEvent: number): WatchMessage {
    const events = this.#eventsAfter(sentEvent, DELTA_EVENTS_MAX);
    const dropped = this.#frame.newestEvent - sentEvent - events.length;
    return this.#frame.delta(sequence, version, events, dropped);
  }

  #eventsAfter(sequence: number, limit: number): readonly LoggedEvent[] {
    const { newestEvent } = this.#frame;
    return this.#fleet.events
      .after(sequence, limit)
      .filter((event) => event.sequence <= newestEvent);
  }

  #enter(watcher: AbortController): void {
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) this.#beginWatched();
    this.#refresh();
  }

  #leave(watcher: AbortController): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size === 0) this.#beginIdle();
  }

  #beginWatched(): void {
    const over = new AbortController();
    const forget = this.#fleet.onChange(() => {
      this.#dirty = true;
      this.#happened.wake();
    });
    this.#beginIdle = () => {
      forget();
      over.abort();
    };
    void this.#keepFrame(over.signal);
  }

  async #keepFrame(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await this.#clock.sleep(Math.max(REFRESH_MS_MIN, this.#refreshMs * REFRESH_REST), signal);
        if (!this.#dirty) await this.#happened.wait(REFRESH_MS_MAX - REFRESH_MS_MIN, signal);
        this.#refresh();
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#onBug(error);
      for (const watcher of this.#watchers) watcher.abort(new CallEnded(failureOf(error)));
    }
  }

  #refresh(): void {
    this.#dirty = false;
    const startMs = this.#clock.monotonicMs();
    const before = this.#frame.version;
    const { events } = this.#fleet;
    this.#frame.refresh(this.#fleet.picture(), this.#fleet.info(), events.newest());
    this.#refreshMs = this.#clock.monotonicMs() - startMs;
    if (this.#frame.version !== before) this.#moved.wake();
  }
}

/** 0 means the default. */
export function intervalOf(intervalMs: number): Result<number, Failure> {
  if (intervalMs === 0) return ok(INTERVAL_MS_DEFAULT);
  if (intervalMs >= INTERVAL_MS_MIN && intervalMs <= INTERVAL_MS_MAX) return ok(intervalMs);
  return err({
    kind: 'invalid',
    field: 'interval_ms',
    message: `interval_ms is ${intervalMs}: give ${INTERVAL_MS_MIN} to ${INTERVAL_MS_MAX}, or 0 for ${INTERVAL_MS_DEFAULT}`,
  });
}
