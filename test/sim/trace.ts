const KEPT_MAX = 400;

/** What happened, newest last. Put into words only when somebody reads it. */
export class Trace {
  readonly #now: () => number;
  readonly #keepAll: boolean;
  readonly #rows: (readonly unknown[])[] = [];

  constructor(now: () => number, keepAll: boolean) {
    this.#now = now;
    this.#keepAll = keepAll;
  }

  add(...words: readonly unknown[]): void {
    this.#rows.push([this.#now(), ...words]);
    if (!this.#keepAll && this.#rows.length > KEPT_MAX) this.#rows.shift();
  }

  lines(): string[] {
    return this.#rows.map(
      ([ms, ...words]) => `${String(ms).padStart(8)} ms  ${words.map(inWords).join(' ')}`,
    );
  }
}

function inWords(word: unknown): string {
  if (typeof word === 'string' || typeof word === 'number') return String(word);
  if (word instanceof Error) return word.message;
  return JSON.stringify(word);
}
