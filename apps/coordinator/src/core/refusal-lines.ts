import { RateLimit } from './rate-limit.ts';

/** One that knocks without end must not hide the others. */
const LINES_OF_ONE = { burst: 20, perSecond: 0.2, keysMax: 1_000 };
/** All together must not fill the disk. */
const LINES_OF_KIND = { burst: 50, perSecond: 1, keysMax: 16 };
/** Beyond it refusals are counted without a name. */
const PEERS_KEPT = 1_000;
const PEERS_NAMED = 5;

/** Refusals of one kind that had no line of their own. */
export interface LeftOut<Kind extends string> {
  readonly kind: Kind;
  readonly count: number;
  /** Those with most of them, the most first. */
  readonly peers: readonly { readonly peer: string; readonly count: number }[];
}

/** Which refusals have a line of their own, and what is to be said of the others (docs/adr/0011-audit-lines.md). */
export class RefusalLines<Kind extends string> {
  readonly #ofOne = new RateLimit(LINES_OF_ONE);
  readonly #ofKind = new RateLimit(LINES_OF_KIND);
  readonly #leftOut = new Map<Kind, { count: number; readonly peers: Map<string, number> }>();

  /** Whether this one has a line; one that has none is in the next `takeLeftOut`. @param nowMs monotonic. */
  take(kind: Kind, peer: string, nowMs: number): boolean {
    if (this.#ofOne.take(`${kind} ${peer}`, nowMs) && this.#ofKind.take(kind, nowMs)) return true;
    const of = this.#leftOut.get(kind) ?? { count: 0, peers: new Map<string, number>() };
    this.#leftOut.set(kind, of);
    of.count += 1;
    const known = of.peers.get(peer);
    if (known !== undefined || of.peers.size < PEERS_KEPT) of.peers.set(peer, (known ?? 0) + 1);
    return false;
  }

  /** What was left out since it was asked last. */
  takeLeftOut(): readonly LeftOut<Kind>[] {
    const all = [...this.#leftOut].map(([kind, { count, peers }]) => ({
      kind,
      count,
      peers: [...peers]
        .map(([peer, refusals]) => ({ peer, count: refusals }))
        .sort((a, b) => b.count - a.count)
        .slice(0, PEERS_NAMED),
    }));
    this.#leftOut.clear();
    return all;
  }
}
