import type { FeedServer } from './feed-server.ts';
import { type Strike, World } from './world.ts';

/** Keeps a world for the next that needs one, since its start takes longer than a strike. */
export class Lodging {
  readonly #feeds: FeedServer;
  #world: World | null = null;

  constructor(feeds: FeedServer) {
    this.#feeds = feeds;
  }

  /** A world that is calm. */
  async shared(): Promise<World> {
    this.#world ??= await World.begin(this.#feeds, null);
    return this.#world;
  }

  /** A new world, struck from its first moment; it takes the place of the one that was kept. */
  async born(strike: Strike | null): Promise<World> {
    await this.leave();
    this.#world = await World.begin(this.#feeds, strike);
    return this.#world;
  }

  /** Ends what is kept: what comes next gets a new world. */
  async leave(): Promise<void> {
    const world = this.#world;
    this.#world = null;
    await world?.end();
  }
}

/** Does the work for each item, in so many worlds at a time. The results are in the items' order. */
export async function inLodgings<T, R>(
  feeds: FeedServer,
  worlds: number,
  items: readonly T[],
  work: (lodging: Lodging, item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const one = async () => {
    const lodging = new Lodging(feeds);
    try {
      for (const [i, item] of queue) results[i] = await work(lodging, item);
    } finally {
      await lodging.leave();
    }
  };
  // All of them end before the first that failed is told of: a world in use must not lose its feeds.
  const ends = await Promise.allSettled(Array.from({ length: worlds }, one));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return results;
}
