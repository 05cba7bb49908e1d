import { type DiskFloor, diskFloor } from '../core/disk-floor.ts';

/** What downloads that run will still write, so that many that begin at once do not fill the disk together. */
export class DiskReserve {
  readonly #freeBytes: () => Promise<number | null>;
  readonly #floorBytes: number;
  readonly #reserved = new Set<{ bytes: number }>();
  #floor: DiskFloor = 'open';

  constructor(freeBytes: () => Promise<number | null>, floorBytes: number) {
    this.#freeBytes = freeBytes;
    this.#floorBytes = floorBytes;
  }

  /** Whether a download may begin. */
  async isOpen(): Promise<boolean> {
    const free = await this.#freeBytes();
    this.#floor = diskFloor(this.#floor, free, this.#reservedBytes(), this.#floorBytes);
    return this.#floor === 'open';
  }

  /** Sets room aside for one; null when there is none. `wrote` gives back what is on the disk by now. */
  async reserve(bytes: number): Promise<(Disposable & { wrote(bytes: number): void }) | null> {
    const free = await this.#freeBytes();
    if (free !== null && free - this.#reservedBytes() - bytes < this.#floorBytes) return null;
    const own = { bytes };
    this.#reserved.add(own);
    return {
      wrote: (count) => {
        own.bytes = Math.max(0, own.bytes - count);
      },
      [Symbol.dispose]: () => void this.#reserved.delete(own),
    };
  }

  #reservedBytes(): number {
    return [...this.#reserved].reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
