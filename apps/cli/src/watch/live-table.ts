import { frame, type WatchHead } from '../render/watch-frame.ts';
import { openScreen } from './live-screen.ts';
import { emptyWatch, type WatchState } from './watch-state.ts';

/** How the person left: by `q`, or by Ctrl-C. */
export type Leave = 'quit' | 'interrupt';

export interface LiveTable {
  show(state: WatchState): void;
  /** Shows one line above the feeds for a while. */
  notice(line: string): void;
  close(): void;
}

/** The clocks move each second, also when nothing happens. */
const CLOCK_MS = 1_000;
/** At most five frames a second. */
const FRAME_MS_MIN = 200;
const NOTICE_MS = 15_000;

/** Draws the table on the terminal until `close`; `leave` is called once. */
export function openLiveTable(head: WatchHead, leave: (how: Leave) => void): LiveTable {
  let state = emptyWatch;
  let drawnAtMs = 0;
  let pending: NodeJS.Timeout | null = null;
  let notice = { line: '', untilMs: 0 };
  const screen = openScreen(process.stdout, process.stdin, {
    key(text) {
      if (text.includes('\u0003')) leave('interrupt');
      else if (text === 'q' || text === 'Q') leave('quit');
    },
    resized: () => draw(),
  });
  function draw(): void {
    if (pending !== null) clearTimeout(pending);
    pending = null;
    drawnAtMs = Date.now();
    const shown = { ...head, notice: notice.untilMs > drawnAtMs ? notice.line : '' };
    screen.draw(frame(state, screen.columns, screen.rows - 1, drawnAtMs, shown));
  }
  const clock = setInterval(draw, CLOCK_MS);
  draw();
  return {
    show(next) {
      state = next;
      const waitMs = drawnAtMs + FRAME_MS_MIN - Date.now();
      if (waitMs <= 0) draw();
      else pending ??= setTimeout(draw, waitMs);
    },
    notice(line) {
      notice = { line, untilMs: Date.now() + NOTICE_MS };
      draw();
    },
    close() {
      clearInterval(clock);
      if (pending !== null) clearTimeout(pending);
      screen.restore();
    },
  };
}
