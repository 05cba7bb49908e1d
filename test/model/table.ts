/** One object for equal contents: what is interned is compared by its id, and a state is named by a few ids. */
export interface Interned {
  readonly id: number;
}

/** Ids are one UTF-16 code unit in the name of a state. */
const IDS_MAX = 65_535;

/** Interns records by a key that says everything about them. */
export class Table<K extends string | number, T> {
  readonly #known = new Map<K, T & Interned>();
  readonly #key: (record: T) => K;

  constructor(key: (record: T) => K) {
    this.#key = key;
  }

  intern(record: T): T & Interned {
    const key = this.#key(record);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= IDS_MAX)
      throw new Error(`more than ${IDS_MAX} different parts of a state: choose a smaller world`);
    const made = Object.freeze({ ...record, id: this.#known.size });
    this.#known.set(key, made);
    return made;
  }
}
