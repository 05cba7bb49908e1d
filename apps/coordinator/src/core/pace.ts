import type { FeedId } from '@podctl/domain/ids.ts';
import type { FleetEvent } from './event.ts';
import { episodeRow, type Snapshot } from './snapshot.ts';

interface Minute {
  readonly minute: number;
  readonly samples: number;
  readonly audioSeconds: number;
}

const MINUTE_MS = 60_000;
const WINDOW_MINUTES = 15;
/** Fewer tell more about the length of an episode than about the speed. */
const SAMPLES_MIN = 3;
/** The figure falls with time alone: in steps, so that an unmoved feed is not news at each look. */
const STEP_MS = 10_000;

/**
 * How fast audio is transcribed: seconds of audio done in the last 15 minutes over the seconds that went by. Lives in
 * memory only; all times are monotonic. What was done before anybody looked or any job ended is not known, so the clock
 * begins there, and a first sample that begins it counts for nothing.
 */
export class Pace {
  readonly #feeds = new Map<FeedId, readonly Minute[]>();
  #fleet: readonly Minute[] = [];
  #beganAtMs: number | null = null;

  /** Takes in what an event tells, if a transcription was done and the length of its audio is known. */
  note(snapshot: Snapshot, { feed, episode, stage }: FleetEvent, nowMs: number): void {
    if (stage !== 'transcribe' || feed === null || episode === null) return;
    const done = episodeRow(snapshot, feed, episode)?.state.stages.download.done;
    const audioSeconds = done?.manifest.audioSeconds ?? 0;
    if (audioSeconds > 0) this.done(feed, audioSeconds, nowMs);
  }

  done(feed: FeedId, audioSeconds: number, nowMs: number): void {
    if (this.#beganAtMs === null) {
      this.#beganAtMs = nowMs;
      return;
    }
    const minute = Math.floor(nowMs / MINUTE_MS);
    this.#fleet = withSample(this.#fleet, minute, audioSeconds);
    this.#feeds.set(feed, withSample(this.#feeds.get(feed) ?? [], minute, audioSeconds));
  }

  /** Seconds of audio a second; null below three samples. */
  ofFeed(feed: FeedId, nowMs: number): number | null {
    return this.#speed(this.#feeds.get(feed) ?? [], nowMs);
  }

  ofFleet(nowMs: number): number | null {
    return this.#speed(this.#fleet, nowMs);
  }

  #speed(minutes: readonly Minute[], nowMs: number): number | null {
    this.#beganAtMs ??= nowMs;
    const first = firstMinute(Math.floor(nowMs / MINUTE_MS));
    const seen = minutes.filter(({ minute }) => minute >= first);
    const samples = seen.reduce((sum, one) => sum + one.samples, 0);
    if (samples < SAMPLES_MIN) return null;
    const elapsedMs = nowMs - Math.max(this.#beganAtMs, first * MINUTE_MS);
    const seconds = Math.max(STEP_MS, elapsedMs - (elapsedMs % STEP_MS)) / 1_000;
    return seen.reduce((sum, one) => sum + one.audioSeconds, 0) / seconds;
  }
}

function firstMinute(minute: number): number {
  return minute - WINDOW_MINUTES + 1;
}

function withSample(minutes: readonly Minute[], minute: number, audioSeconds: number): Minute[] {
  const kept = minutes.filter((one) => one.minute >= firstMinute(minute));
  const last = kept.at(-1);
  if (last?.minute !== minute) return [...kept, { minute, samples: 1, audioSeconds }];
  const { samples } = last;
  return [
    ...kept.slice(0, -1),
    { minute, samples: samples + 1, audioSeconds: last.audioSeconds + audioSeconds },
  ];
}
