import type { FeedId } from '@podctl/domain/ids.ts';
import type { TokenReport } from '@podctl/domain/protocol.ts';
import { STAGE_ROWS, type Stage } from '@podctl/domain/stage.ts';
import { Pace } from './pace.ts';
import { lockId } from './snapshot.ts';

export interface ProgressRow {
  readonly token: number;
  readonly progress: number;
  readonly phase: TokenReport['phase'];
  /** Monotonic time at which the figure last rose. While it waits for a slot that is now: it cannot move. */
  readonly movedAtMs: number;
  /** Held ahead: its agent is at another one. */
  readonly waiting: boolean;
  /** Monotonic time at which it was seen to wait no more; null for what was never seen to wait. */
  readonly begunAtMs: number | null;
  /** How it gets on, in its agent's words; empty when there is nothing to say. */
  readonly note: string;
}

/** What the heartbeats report of running jobs, and when each feed last moved. Lives in memory only. */
export class Progress {
  readonly pace = new Pace();
  readonly #rows = new Map<string, ProgressRow>();
  readonly #feedMoved = new Map<FeedId, number>();

  report(report: TokenReport, nowMs: number): void {
    const id = lockId(report.feed, report.episode, report.stage);
    const before = this.#rows.get(id);
    const { token, progress, phase, waiting = false, note = '' } = report;
    const known = before?.token === token ? before : null;
    const rose = progress > (known?.progress ?? 0);
    this.#rows.set(id, {
      token,
      progress,
      phase,
      waiting,
      note,
      movedAtMs: rose || waiting || known?.waiting ? nowMs : (known?.movedAtMs ?? nowMs),
      begunAtMs: known?.waiting && !waiting ? nowMs : (known?.begunAtMs ?? null),
    });
    // A job that begins again and again gets nowhere: only a rising figure counts as movement of its feed.
    if (rose) this.moved(report.feed, nowMs, report.stage);
  }

  /** Something of the feed was accepted, or it was read (no stage): it is not stalled. What nobody waits for is no movement. */
  moved(feed: FeedId, nowMs: number, stage: Stage | null = null): void {
    if (stage === null || !STAGE_ROWS[stage].aside) this.#feedMoved.set(feed, nowMs);
  }

  /** Nothing of the feed is left to move: it is still only from its next work on. */
  rest(feed: FeedId): void {
    this.#feedMoved.delete(feed);
  }

  /** The lock is gone. */
  forget(id: string): void {
    this.#rows.delete(id);
  }

  of(id: string, token: number): ProgressRow | null {
    const row = this.#rows.get(id);
    return row?.token === token ? row : null;
  }

  /** Wall clock at which a job that was held ahead was seen to begin; null of any other. */
  begunMs(
    id: string,
    token: number,
    now: { readonly wallMs: number; readonly monotonicMs: number },
  ): number | null {
    const begunAtMs = this.of(id, token)?.begunAtMs ?? null;
    return begunAtMs === null ? null : now.wallMs - (now.monotonicMs - begunAtMs);
  }

  /** Since when nothing of the feed has moved; a feed never heard of here starts now. */
  stillSinceMs(feed: FeedId, nowMs: number): number {
    const at = this.#feedMoved.get(feed);
    if (at === undefined) this.#feedMoved.set(feed, nowMs);
    return at ?? nowMs;
  }
}
