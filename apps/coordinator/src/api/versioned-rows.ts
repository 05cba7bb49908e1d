import { sameMessage } from './same-message.ts';

interface Versioned<T> {
  readonly message: T;
  /** The version at which it became so. */
  readonly version: number;
}

/** Moments of unmoved things come out a little off each time. */
const MOMENTS_MS = 1_000;
/** Ids of rows that went, kept for those who saw them. */
const REMOVED_MAX = 10_000;

/**
 * Rows by id, each with the version of its last change, so that what changed since any version can be told. What went is
 * told too, as far back as `floor`.
 */
export class VersionedRows<T> {
  readonly #idOf: (message: T) => string;
  readonly #rows = new Map<string, Versioned<T>>();
  /** In the order in which they went. */
  readonly #removed = new Map<string, number>();
  #floor = 0;

  constructor(idOf: (message: T) => string) {
    this.#idOf = idOf;
  }

  /** Of an older version it is not known any more what went since. */
  get floor(): number {
    return this.#floor;
  }

  /** Takes all rows that there are now, and gives whether anything changed. */
  update(messages: readonly T[], version: number): boolean {
    return this.merge(messages, messages.length, () => messages.map(this.#idOf), version);
  }

  /** The same, of the rows that may have changed; `count` and `ids` are of all rows that there are now. */
  merge(
    messages: readonly T[],
    count: number,
    ids: () => readonly string[],
    version: number,
  ): boolean {
    let changed = false;
    for (const message of messages) changed = this.#put(message, version) || changed;
    if (this.#rows.size === count) return changed;
    const left = new Set(ids());
    for (const id of this.#rows.keys()) if (!left.has(id)) this.#remove(id, version);
    return true;
  }

  /** Those that changed after a version, by id. */
  since(version: number): T[] {
    const found: [string, T][] = [];
    for (const [id, row] of this.#rows) if (row.version > version) found.push([id, row.message]);
    return found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, message]) => message);
  }

  /** Ids of those that went after a version. */
  removedSince(version: number): string[] {
    return [...this.#removed].filter(([, at]) => at > version).map(([id]) => id);
  }

  /** Keeps the older message where nothing changed, so that slow drift adds up until it shows. */
  #put(message: T, version: number): boolean {
    const id = this.#idOf(message);
    const before = this.#rows.get(id);
    if (before !== undefined && sameMessage(before.message, message, MOMENTS_MS)) return false;
    this.#rows.set(id, { message, version });
    this.#removed.delete(id);
    return true;
  }

  #remove(id: string, version: number): void {
    this.#rows.delete(id);
    this.#removed.set(id, version);
    const [oldest] = this.#removed;
    if (this.#removed.size <= REMOVED_MAX || oldest === undefined) return;
    this.#removed.delete(oldest[0]);
    this.#floor = oldest[1];
  }
}
