/** For how long an answer is kept. A client that still asks after that has given up long ago. */
export const MEMO_MS = 10 * 60_000;
const ENTRIES_MAX = 1_000;

/** Of answers that are kept: one alone, and all together. */
export const MEMO_BYTES_MAX = { answer: 1_048_576, total: 16 * 1_048_576 } as const;

interface Entry<Answer> {
  readonly fingerprint: string;
  readonly answer: Answer;
  readonly untilMs: number;
  bytes: number;
}

export type Remembered<Answer> =
  | { readonly kind: 'new' }
  | { readonly kind: 'known'; readonly answer: Answer }
  /** The id came before with another request. */
  | { readonly kind: 'other' };

/** Answers to requests that may come again, by the id that their caller gave. The oldest makes room for the newest. */
export class RequestMemo<Answer> {
  readonly #entries = new Map<string, Entry<Answer>>();
  #bytes = 0;

  /** @param fingerprint says whether two requests ask the same. */
  find(key: string, fingerprint: string, nowMs: number): Remembered<Answer> {
    this.expire(nowMs);
    const entry = this.#entries.get(key);
    if (entry === undefined) return { kind: 'new' };
    if (entry.fingerprint !== fingerprint) return { kind: 'other' };
    return { kind: 'known', answer: entry.answer };
  }

  keep(key: string, fingerprint: string, answer: Answer, nowMs: number): void {
    this.forget(key);
    this.#entries.set(key, { fingerprint, answer, untilMs: nowMs + MEMO_MS, bytes: 0 });
    this.expire(nowMs);
    this.#shrink();
  }

  /** Says how large an answer is, once that is known, unless it was forgotten. One that is too large is not kept. */
  weigh(key: string, answer: Answer, bytes: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.answer !== answer) return;
    if (bytes > MEMO_BYTES_MAX.answer) {
      this.forget(key);
      return;
    }
    this.#bytes += bytes - entry.bytes;
    entry.bytes = bytes;
    this.#shrink();
  }

  /** Drops what was kept long enough: an answer may hold what is secret. */
  expire(nowMs: number): void {
    // In the order in which they end: each is kept for the same time.
    for (const [oldest, { untilMs }] of this.#entries) {
      if (untilMs > nowMs) break;
      this.forget(oldest);
    }
  }

  forget(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0;
    this.#entries.delete(key);
  }

  get size(): number {
    return this.#entries.size;
  }

  #shrink(): void {
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= ENTRIES_MAX && this.#bytes <= MEMO_BYTES_MAX.total) break;
      this.forget(oldest);
    }
  }
}
