/** The one source of chance of a simulated world: the same seed gives the same numbers, for ever. */
export class Prng {
  #state: number;

  constructor(seed: number) {
    this.#state = mixed(seed | 0);
  }

  /** A source of its own, so that one part that asks more often does not change what another one gets. */
  fork(name: string): Prng {
    let hash = this.#state;
    for (const character of name) hash = mixed(hash ^ (character.codePointAt(0) ?? 0));
    return new Prng(hash);
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    return (mixed(this.#state) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.next() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.between(0, 255));
  }
}

/** Spreads each bit of the state over all others: multiply by odd numbers, fold the high half down. */
function mixed(value: number): number {
  let bits = value;
  bits = Math.imul(bits ^ (bits >>> 16), 0x45d9f3b5);
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d);
  return bits ^ (bits >>> 16);
}
