import { invariant } from '@podctl/domain/result.ts';
import type { Clock } from '../clock.ts';
import type { KvEntry } from '../kv.ts';

export type WriteOutcome =
  | { readonly kind: 'written'; readonly revision: number }
  | { readonly kind: 'conflict' };

export interface BucketWrite {
  readonly key: string;
  /** Null: whatever is there. */
  readonly expected: number | null;
  /** Null: a deletion marker. */
  readonly value: Uint8Array | null;
  readonly ttlMs?: number;
}

/** The server's side of a twin's bucket: one counter, the newest entry of each key, markers, times to live. */
export class MemoryBucket {
  #revision = 0;
  /** In order of revision: a rewritten key moves to the end. */
  readonly #entries = new Map<string, KvEntry>();
  readonly #expiries = new Map<string, AbortController>();
  readonly #listeners = new Set<(entry: KvEntry) => void>();
  readonly #clock: Clock;
  readonly #markerTtlMs: number;

  constructor(clock: Clock, markerTtlMs: number) {
    this.#clock = clock;
    this.#markerTtlMs = markerTtlMs;
  }

  revision(): number {
    return this.#revision;
  }

  read(key: string): KvEntry | null {
    return this.#entries.get(key) ?? null;
  }

  /** Newest entries with a higher revision, in order. */
  entriesAfter(revision: number): KvEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.revision > revision);
  }

  /** Called for each write at the instant it is made: a recorder of all revisions, and the tails. */
  onWrite(listener: (entry: KvEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  write(write: BucketWrite): WriteOutcome {
    const newest = this.#entries.get(write.key)?.revision ?? 0;
    if (write.expected !== null && write.expected !== newest) return { kind: 'conflict' };
    const head = { key: write.key, revision: ++this.#revision };
    const entry: KvEntry =
      write.value === null
        ? { kind: 'gone', ...head }
        : { kind: 'value', ...head, value: write.value.slice() };
    this.#store(entry);
    if (write.ttlMs !== undefined) {
      // Like the server: whole seconds, rounded up by the client.
      const ttlMs = Math.ceil(write.ttlMs / 1_000) * 1_000;
      this.#later(write.key, ttlMs, () => this.#expire(write.key));
    }
    return { kind: 'written', revision: head.revision };
  }

  stop(): void {
    for (const expiry of this.#expiries.values()) expiry.abort();
    this.#expiries.clear();
    this.#listeners.clear();
  }

  #store(entry: KvEntry): void {
    this.#expiries.get(entry.key)?.abort();
    this.#expiries.delete(entry.key);
    this.#entries.delete(entry.key);
    this.#entries.set(entry.key, entry);
    for (const listener of this.#listeners) listener(entry);
  }

  #expire(key: string): void {
    this.#store({ kind: 'gone', key, revision: ++this.#revision });
    this.#later(key, this.#markerTtlMs, () => this.#entries.delete(key));
  }

  #later(key: string, ms: number, act: () => void): void {
    const expiry = new AbortController();
    invariant(!this.#expiries.has(key), 'a key has one expiry');
    this.#expiries.set(key, expiry);
    this.#clock.sleep(ms, expiry.signal).then(
      () => {
        this.#expiries.delete(key);
        act();
      },
      () => undefined,
    );
  }
}
