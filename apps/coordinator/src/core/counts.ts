/** How many of something each key has now. What is at 0 is forgotten, so it holds no more keys than there are things. */
export class Counts {
  readonly #counts = new Map<string, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  /** How many keys have any. */
  get size(): number {
    return this.#counts.size;
  }

  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: string): void {
    this.#counts.set(key, this.of(key) + 1);
    this.#total += 1;
  }

  remove(key: string): void {
    const left = this.of(key) - 1;
    this.#total -= 1;
    if (left > 0) this.#counts.set(key, left);
    else this.#counts.delete(key);
  }
}
