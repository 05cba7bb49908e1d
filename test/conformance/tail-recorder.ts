import type { Kv, KvEntry, Tail, TailSink } from '@podctl/platform/kv.ts';

/** Records what a tail delivers, and lets a test wait for it. */
export class TailRecorder implements TailSink {
  readonly entries: KvEntry[] = [];
  readonly tail: Tail;
  /** Number of entries before each `current`. */
  readonly currentAt: number[] = [];
  rewinds = 0;
  readonly #waiters = new Set<() => void>();

  constructor(kv: Kv) {
    this.tail = kv.tail(this);
  }

  static async start(kv: Kv): Promise<TailRecorder> {
    const recorder = new TailRecorder(kv);
    await recorder.tail.start();
    return recorder;
  }

  entry(entry: KvEntry): void {
    this.entries.push(entry);
    this.#look();
  }

  current(): void {
    this.currentAt.push(this.entries.length);
    this.#look();
  }

  rewound(): void {
    this.rewinds += 1;
    this.#look();
  }

  /** Resolves when the condition holds; asked after each delivery. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!condition()) return;
        this.#waiters.delete(look);
        resolve();
      };
      this.#waiters.add(look);
      look();
    });
  }

  untilCurrent(): Promise<void> {
    return this.until(() => this.currentAt.length > 0);
  }

  untilRevision(revision: number): Promise<void> {
    return this.until(() => (this.entries.at(-1)?.revision ?? 0) >= revision);
  }

  /** The newest entry of a key, as text: `key=value@revision` or `key gone@revision`. */
  newest(key: string): string | null {
    const entry = this.entries.findLast((each) => each.key === key);
    return entry === undefined ? null : shown(entry);
  }

  shown(): string[] {
    return this.entries.map(shown);
  }

  #look(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }
}

export function shown(entry: KvEntry): string {
  if (entry.kind === 'gone') return `${entry.key} gone@${entry.revision}`;
  return `${entry.key}=${new TextDecoder().decode(entry.value)}@${entry.revision}`;
}
