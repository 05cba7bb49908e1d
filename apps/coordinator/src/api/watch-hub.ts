import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { Fleet } from '../shell/fleet.ts';
import { CallEnded, type Failure, failureOf } from './status.ts';
import { Wake } from './wake.ts';
import { WatchBeat } from './watch-beat.ts';
import { WatchFrame, type WatchMessage, type WatchSeen } from './watch-frame-map.ts';

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
/** What happens at once is told at once. */
const COLLECT_MS = 10;
/** The frame is refreshed at most so often, however many watch and however much happens … */
const REFRESH_MS_MIN = 20;
/** … and at least so often, since time alone makes a feed stalled. */
const REFRESH_MS_MAX = 5_000;
/** A refresh that takes long (2 ms for 10,000 feeds) is followed by this many times its length of other work … */
const REFRESH_REST = 5;
/** … but not by more: it may have taken long because others use the machine, and a beat of 200 ms must not pass it by. */
const REST_MS_MAX = 100;

/**
 * Serves the Watch streams: a snapshot, then deltas, then heartbeats while nothing changes.
 *   idle       nobody watches: no timer runs, nothing is mapped
 *   watched    there is one frame for all, and one loop for each interval that somebody watches at: when something
 *              happened and the interval is over, it refreshes the frame and tells its watchers
 * What is never true: a second message to a watcher whose connection has not taken the first. A slow watcher gets no
 * queue; when it can take something again it gets one delta with the newest state, and the count of the events it missed.
 */
export class WatchHub {
  readonly #fleet: Fleet;
  readonly #clock: Clock;
  readonly #onBug: (error: unknown) => void;
  readonly #happened: Wake;
  readonly #frame = new WatchFrame();
  readonly #watchers = new Set<AbortController>();
  /** By interval, those that somebody watches at. */
  readonly #beats = new Map<number, WatchBeat>();
  #dirty = true;
  #refreshedAtMs = Number.NEGATIVE_INFINITY;
  #refreshMs = 0;
  #beginIdle: () => void = () => {};

  constructor(fleet: Fleet, clock: Clock, onBug: (error: unknown) => void) {
    this.#fleet = fleet;
    this.#clock = clock;
    this.#onBug = onBug;
    this.#happened = new Wake(clock);
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /**
   * Serves one watcher until its signal is aborted, and gives why it ended.
   *
   * @param resumeToken of the last message of a stream of before; empty: none.
   */
  async serve(intervalMs: number, sink: WatchSink, resumeToken = ''): Promise<Failure> {
    if (this.#watchers.size >= WATCHERS_MAX)
      return {
        kind: 'exhausted',
        message: `${WATCHERS_MAX} watch this coordinator already: end some of them, or ask another coordinator`,
      };
    const watcher = new AbortController();
    const end = () => watcher.abort(sink.signal.reason);
    sink.signal.addEventListener('abort', end, { once: true });
    if (sink.signal.aborted) end();
    this.#watchers.add(watcher);
    let beat: WatchBeat | null = null;
    try {
      beat = this.#enter(intervalMs);
      return await this.#stream(
        beat,
        resumeToken,
        (message) => sink.send(message, watcher.signal),
        watcher.signal,
      );
    } catch (error) {
      if (!watcher.signal.aborted) throw error;
      return failureOf(watcher.signal.reason);
    } finally {
      sink.signal.removeEventListener('abort', end);
      this.#watchers.delete(watcher);
      beat?.leave();
      if (this.#watchers.size === 0) this.#beginIdle();
    }
  }

  async #stream(
    beat: WatchBeat,
    resumeToken: string,
    send: (message: WatchMessage) => Promise<void>,
    signal: AbortSignal,
  ): Promise<never> {
    let sequence = 1;
    const first = this.#change(sequence, this.#frame.placeOf(resumeToken));
    let seen = this.#seen();
    await send(first);
    let sentAtMs = this.#clock.monotonicMs();
    let hasWaited = false;
    for (;;) {
      signal.throwIfAborted();
      // It may know a newer version than others at its beat, if it came later. One that missed a beat, since it was slow,
      // waits for the next where there will be one: else it would get two deltas at once.
      const isBehind = beat.version > seen.version && (hasWaited || !this.#dirty);
      const silenceMs = sentAtMs + HEARTBEAT_AFTER_MS - this.#clock.monotonicMs();
      if (!isBehind && silenceMs > 0) {
        await beat.next(silenceMs, signal);
        hasWaited = true;
        continue;
      }
      hasWaited = false;
      sequence += 1;
      const message = isBehind ? this.#change(sequence, seen) : this.#heartbeat(sequence, seen);
      if (isBehind) seen = this.#seen();
      await send(message);
      sentAtMs = this.#clock.monotonicMs();
    }
  }

  #seen(): WatchSeen {
    const { version, newestEvent } = this.#frame;
    return { version, newestEvent };
  }

  /** Everything where it is not known what changed since. */
  #change(sequence: number, seen: WatchSeen | null): WatchMessage {
    const { events } = this.#fleet;
    const nowMs = this.#clock.monotonicMs();
    if (seen !== null && this.#frame.knows(seen.version))
      return this.#frame.delta(sequence, seen, events, nowMs);
    return this.#frame.snapshot(sequence, events, nowMs);
  }

  #heartbeat(sequence: number, seen: WatchSeen): WatchMessage {
    const { stateAgeMs } = this.#fleet.info();
    const wallMs = this.#clock.wallMs();
    return this.#frame.heartbeat(sequence, seen, {
      wallMs,
      stateAgeMs,
      everyMs: HEARTBEAT_AFTER_MS,
    });
  }

  #enter(intervalMs: number): WatchBeat {
    if (this.#watchers.size === 1) this.#beginWatched();
    if (this.#dirty) this.#refresh();
    const known = this.#beats.get(intervalMs);
    const watchers = () => this.#watchers.size;
    const beat = known ?? new WatchBeat(this.#clock, intervalMs, watchers, this.#frame.version);
    beat.enter();
    if (known === undefined) {
      this.#beats.set(intervalMs, beat);
      beat.signal.addEventListener('abort', () => this.#beats.delete(intervalMs), { once: true });
      void this.#keep(beat);
    }
    return beat;
  }

  #beginWatched(): void {
    const forget = this.#fleet.onChange(() => {
      this.#dirty = true;
      this.#happened.wake();
    });
    // Of what happened while nobody watched, nothing was heard.
    this.#dirty = true;
    this.#beginIdle = forget;
  }

  async #keep(beat: WatchBeat): Promise<void> {
    try {
      for (;;) await this.#keepOnce(beat);
    } catch (error) {
      if (beat.signal.aborted) return;
      this.#onBug(error);
      for (const watcher of this.#watchers) watcher.abort(new CallEnded(failureOf(error)));
    }
  }

  async #keepOnce(beat: WatchBeat): Promise<void> {
    if (!this.#dirty && this.#frame.version === beat.version) {
      const leftMs = REFRESH_MS_MAX - this.#sinceRefreshMs();
      await this.#happened.wait(Math.max(0, leftMs), beat.signal);
    }
    await this.#clock.sleep(Math.max(COLLECT_MS, beat.waitMs()), beat.signal);
    if (this.#dirty) beat.rest();
    if (this.#isRefreshDue()) this.#refresh();
    beat.strike(this.#frame.version);
  }

  #isRefreshDue(): boolean {
    const sinceMs = this.#sinceRefreshMs();
    const restMs = Math.min(REST_MS_MAX, Math.max(REFRESH_MS_MIN, this.#refreshMs * REFRESH_REST));
    return this.#dirty ? sinceMs >= restMs : sinceMs >= REFRESH_MS_MAX;
  }

  #sinceRefreshMs(): number {
    return this.#clock.monotonicMs() - this.#refreshedAtMs;
  }

  #refresh(): void {
    const startMs = this.#clock.monotonicMs();
    const { events } = this.#fleet;
    this.#frame.refresh(this.#fleet.picture(), this.#fleet.info(), events.newest());
    this.#dirty = false;
    this.#refreshedAtMs = this.#clock.monotonicMs();
    this.#refreshMs = this.#refreshedAtMs - startMs;
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
