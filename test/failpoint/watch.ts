/** Conditions that are looked at again whenever something happened: nobody waits by the clock. */
export class Watch {
  readonly #waiting = new Set<() => void>();

  /** Something happened. */
  wake(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** Resolves with what `look` finds. Rejects when that is not found in time, or `look` throws. */
  until<T>(what: string, look: () => T | null, timeoutMs: number): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const timer = setTimeout(
      () => reject(new TimedOut(`${what} was waited for ${timeoutMs / 1000} s, in vain`)),
      timeoutMs,
    );
    const again = () => {
      try {
        const found = look();
        if (found !== null) resolve(found);
      } catch (error) {
        reject(error);
      }
    };
    this.#waiting.add(again);
    again();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(again);
    });
  }
}

export class TimedOut extends Error {}
