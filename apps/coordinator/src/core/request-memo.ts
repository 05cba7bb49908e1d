/** For how long an answer is kept. A client that still asks after that has given up long ago. */
export const MEMO_MS = 10 * 60_000;
const ENTRIES_MAX = 1_000;

interface Entry<Answer> {
  readonly fingerprint: string;
  readonly answer: Answer;
  readonly untilMs: number;
}

export type Remembered<Answer> =
  | { readonly kind: 'new' }
  | { readonly kind: 'known'; readonly answer: Answer }
  /** The id came before with another request. */
  | { readonly kind: 'other' };

/** Answers to requests that may come again, by the id that their caller gave. The oldest makes room for the newest. */
export class RequestMemo<Answer> {
  readonly #entries = new Map<string, Entry<Answer>>();

  /** @param fingerprint says whether two requests ask the same. */
  find(key: string, fingerprint: string, nowMs: number): Remembered<Answer> {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.untilMs <= nowMs) return { kind: 'new' };
    if (entry.fingerprint !== fingerprint) return { kind: 'other' };
    return { kind: 'known', answer: entry.answer };
  }

  keep(key: string, fingerprint: string, answer: Answer, nowMs: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { fingerprint, answer, untilMs: nowMs + MEMO_MS });
    // In the order in which they end: each is kept for the same time.
    for (const [oldest, { untilMs }] of this.#entries) {
      if (untilMs > nowMs && this.#entries.size <= ENTRIES_MAX) break;
      this.#entries.delete(oldest);
    }
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }

  get size(): number {
    return this.#entries.size;
  }
}
