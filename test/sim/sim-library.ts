import type { Library } from '@podctl/platform/library.ts';
import {
  LibraryError,
  type LibraryHealth,
  type ListedFile,
  type WrittenFile,
} from '@podctl/platform/library.ts';
import type { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import type { Moments } from './moments.ts';
import type { Prng } from './prng.ts';
import type { SimProcess } from './process.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Told of each change of the library, after it. */
export interface LibraryWitness {
  wrote(by: SimProcess, path: string): void;
  linked(by: SimProcess, from: string, to: string): void;
  removed(by: SimProcess, folder: string): void;
}

export interface Disk {
  readonly time: VirtualTime;
  readonly random: Prng;
  readonly files: MemoryLibrary;
  readonly moments: Moments;
  readonly witness: LibraryWitness;
}

/**
 * The one library as one process has it mounted: each step takes a moment, can be the last one of its process, and
 * fails while the mount is away. The real driver reads the marker before each step that matters; so it is one step here.
 */
export class SimLibrary implements Library {
  readonly id: string;
  readonly names = 'links';
  readonly place = 'memory:';
  readonly #disk: Disk;
  readonly #process: SimProcess;

  constructor(disk: Disk, process: SimProcess) {
    this.id = disk.files.id;
    this.#disk = disk;
    this.#process = process;
  }

  async check(): Promise<LibraryHealth> {
    await this.#process.gate();
    const reason = this.#process.host.libraryAway;
    return reason === null ? { kind: 'online' } : { kind: 'offline', reason };
  }

  stat(path: string) {
    return this.#step(path, () => this.#disk.files.stat(path));
  }

  readSmall(path: string, maxBytes: number): Promise<Uint8Array> {
    return this.#step(path, () => this.#disk.files.readSmall(path, maxBytes));
  }

  read(path: string) {
    return this.#step(path, () => this.#disk.files.read(path));
  }

  async write(
    path: string,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<WrittenFile> {
    return this.#step(path, async () => {
      const written = await this.#disk.files.write(path, source, signal);
      this.#disk.witness.wrote(this.#process, path);
      return written;
    });
  }

  async link(from: string, to: string): Promise<void> {
    await this.#step(to, async () => {
      await this.#disk.files.link(from, to);
      this.#disk.witness.linked(this.#process, from, to);
    });
  }

  async recorded(): Promise<null> {
    return null;
  }

  hash(path: string, signal: AbortSignal): Promise<WrittenFile> {
    return this.#step(path, () => this.#disk.files.hash(path, signal));
  }

  list(folder: string, limit: number, after?: string): Promise<readonly ListedFile[]> {
    return this.#step(folder, () => this.#disk.files.list(folder, limit, after));
  }

  removeStaging(folder: string): Promise<void> {
    return this.#step(folder, async () => {
      await this.#disk.files.removeStaging(folder);
      this.#disk.witness.removed(this.#process, folder);
    });
  }

  async dropUnfinished(): Promise<number> {
    return 0;
  }

  remove(path: string): Promise<void> {
    return this.#step(path, () => this.#disk.files.remove(path));
  }

  space() {
    return this.#step('', () => this.#disk.files.space());
  }

  async #step<T>(name: string, act: () => Promise<T>): Promise<T> {
    const { random, time, moments } = this.#disk;
    moments.pass(this.#process, 'before', name);
    await this.#process.gate();
    if (random.chance(0.25))
      await new Promise<void>((resolve) => {
        time.after(random.between(1, 8), () => this.#process.enter(resolve));
      });
    const reason = this.#process.host.libraryAway;
    if (reason !== null) throw new LibraryError('offline', reason);
    const result = await act();
    moments.pass(this.#process, 'after', name);
    await this.#process.gate();
    return result;
  }
}
