import { type Listing, noListing } from './watch-picture.ts';

/** Asks for a list again and again while somebody looks at it; a call is never begun before the one before has ended. */
export class ListPoll<Item> {
  readonly #read: () => Promise<readonly Item[]>;
  readonly #everyMs: number;
  readonly #changed: (listing: Listing<Item>) => void;
  #listing: Listing<Item> = noListing;
  #state: 'closed' | 'waiting' | 'reading' = 'closed';
  #isWanted = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(
    read: () => Promise<readonly Item[]>,
    everyMs: number,
    changed: (listing: Listing<Item>) => void,
  ) {
    this.#read = read;
    this.#everyMs = everyMs;
    this.#changed = changed;
  }

  /** Whether somebody looks. */
  open(isWanted: boolean): void {
    this.#isWanted = isWanted;
    if (isWanted && this.#state === 'closed') void this.#ask();
    if (!isWanted && this.#state === 'waiting') {
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#state = 'closed';
    }
  }

  close(): void {
    this.open(false);
  }

  async #ask(): Promise<void> {
    this.#state = 'reading';
    try {
      const items = await this.#read();
      this.#listing = { items, readAtMs: Date.now(), problem: '' };
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      this.#listing = { ...this.#listing, problem };
    }
    this.#state = 'closed';
    if (!this.#isWanted) return;
    this.#state = 'waiting';
    this.#timer = setTimeout(() => void this.#ask(), this.#everyMs);
    this.#changed(this.#listing);
  }
}
