import type { Kv } from '@podctl/platform/kv.ts';
import { KvUnavailable } from '@podctl/platform/kv.ts';
import type { RecordCodec } from '@podctl/platform/records.ts';
import type { AccessBook } from './access-book.ts';

/** Writes that may come second, or be without an answer, before it is given up. */
const TRIES_MAX = 5;

/** Reads and changes one record of the access bucket at a time, by CAS; the book learns of each write at once. */
export class AccessRecords {
  readonly #kv: Kv;
  readonly #book: AccessBook;

  constructor(kv: Kv, book: AccessBook) {
    this.#kv = kv;
    this.#book = book;
  }

  /** From the bucket's leader. Rejects with KvUnavailable, also for a record that cannot be read. */
  async read<T>(
    key: string,
    codec: RecordCodec<T>,
  ): Promise<{ readonly record: T | null; readonly revision: number }> {
    const entry = await this.#kv.get(key);
    if (entry?.kind !== 'value') return { record: null, revision: entry?.revision ?? 0 };
    const record = codec.decode(entry.value);
    if (!record.ok) throw new KvUnavailable(`read ${key}`, new Error('its record is unreadable'));
    return { record: record.value, revision: entry.revision };
  }

  /**
   * Writes what `decide` makes of what is there, asked again whenever somebody wrote before or an answer was lost; so it
   * must know its own work again. Null leaves it. Gives what is there at the end. Rejects with KvUnavailable.
   */
  async change<T>(
    key: string,
    codec: RecordCodec<T>,
    decide: (record: T | null) => T | null,
  ): Promise<T | null> {
    let cause: unknown = new Error('others write it at the same time');
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const { record, revision } = await this.read(key, codec);
      const next = decide(record);
      if (next === null) return record;
      const value = codec.encode(next);
      const outcome = await this.#kv.cas(key, revision, value);
      if (outcome.kind === 'written') {
        this.#book.entry({ kind: 'value', key, revision: outcome.revision, value });
        return next;
      }
      if (outcome.kind === 'unknown') cause = outcome.cause;
    }
    throw new KvUnavailable(`write ${key}`, cause);
  }

  /** Takes a record away, if it is still the one that `isOver` says so of. */
  async forget<T>(
    key: string,
    codec: RecordCodec<T>,
    isOver: (record: T) => boolean,
  ): Promise<void> {
    const { record, revision } = await this.read(key, codec);
    if (record === null || !isOver(record)) return;
    const outcome = await this.#kv.remove(key, revision);
    if (outcome.kind === 'written')
      this.#book.entry({ kind: 'gone', key, revision: outcome.revision });
  }
}
