/** Room for the body of one poll, from its first byte until the document is folded. */
export interface BodyRoom {
  /** Null when so many bytes may be held in all; else what resolves then, or rejects with the signal's reason. */
  grow(bytes: number, signal: AbortSignal): Promise<void> | null;
  /** Gives it back. Safe twice. */
  leave(): void;
}

export interface BodyRoomLimits {
  /** Each poll may hold so many bytes at once. */
  readonly smallBytes: number;
  /** Polls that may hold more, at the same time. */
  readonly largeMax: number;
}

export const BODY_ROOM_LIMITS: BodyRoomLimits = { smallBytes: 1024 * 1024, largeMax: 3 };

/**
 * Bounds the memory of bodies: every poll has room for a small one, a few for a large one. The others with a large one
 * read on when one of those has left: the wait is the network's back-pressure. Who holds room never waits for more.
 */
export class BodyRooms {
  readonly #limits: BodyRoomLimits;
  readonly #queue: (() => void)[] = [];
  #large = 0;

  constructor(limits: BodyRoomLimits = BODY_ROOM_LIMITS) {
    this.#limits = limits;
  }

  open(): BodyRoom {
    let isLarge = false;
    return {
      grow: (bytes, signal) => {
        if (isLarge || bytes <= this.#limits.smallBytes) return null;
        const wait = this.#enter(signal);
        isLarge = wait === null;
        return (
          wait?.then(() => {
            isLarge = true;
          }) ?? null
        );
      },
      leave: () => {
        if (isLarge) this.#leave();
        isLarge = false;
      },
    };
  }

  #enter(signal: AbortSignal): Promise<void> | null {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#large < this.#limits.largeMax) {
      this.#large += 1;
      return null;
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#queue.splice(this.#queue.indexOf(enter), 1);
        reject(signal.reason);
      };
      const enter = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#queue.push(enter);
    });
  }

  /** The place goes on to the one that waits longest. */
  #leave(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#large -= 1;
    else next();
  }
}
