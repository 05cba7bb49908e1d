/** The clocks move each second, also when nothing happens. */
const CLOCK_MS = 1_000;
/**
 * What happens in the fleet is drawn at once, unless a frame came just before. The coordinator tells of it some five times a
 * second: with the same pause here, each message that comes a little late would delay all frames after it.
 */
const FRAME_MS_MIN = 150;
/** Twenty frames a second for a key that is held down: a cursor must not lag. */
const KEY_FRAME_MS_MIN = 50;

/** When to draw: soon after something changed, not too often, and each second. One timer at most. */
export class FramePace {
  readonly #draw: () => void;
  #drawnAtMs = Number.NEGATIVE_INFINITY;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  now(): void {
    if (this.#stopped) return;
    this.#drawnAtMs = performance.now();
    this.#wake(this.#drawnAtMs + CLOCK_MS);
    this.#draw();
  }

  soon(): void {
    this.#within(FRAME_MS_MIN);
  }

  key(): void {
    this.#within(KEY_FRAME_MS_MIN);
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #within(ms: number): void {
    if (this.#stopped) return;
    const atMs = this.#drawnAtMs + ms;
    if (atMs <= performance.now()) this.now();
    else if (atMs < this.#dueAtMs) this.#wake(atMs);
  }

  #wake(atMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#dueAtMs = atMs;
    this.#timer = setTimeout(() => this.now(), atMs - performance.now());
  }
}
