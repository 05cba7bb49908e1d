import type { CredentialRecord, JoinTokenRecord, UserRecord } from '@podctl/domain/access.ts';
import type { AgentId } from '@podctl/domain/ids.ts';
import { credentialKey, userKey } from '@podctl/domain/key.ts';
import { credentialRecord, joinTokenRecord, userRecord } from '@podctl/platform/access-records.ts';
import type { Kv, KvEntry, Tail, TailSink } from '@podctl/platform/kv.ts';
import type { RecordCodec } from '@podctl/platform/records.ts';
import type { Service } from '@podctl/platform/service.ts';

/** The records of one kind, by key. */
class Shelf<T> {
  readonly records = new Map<string, T>();
  readonly codec: RecordCodec<T>;
  constructor(codec: RecordCodec<T>) {
    this.codec = codec;
  }

  /** False: it cannot be read, and what was there before is not trusted any more. */
  fold({ key, value }: KvEntry & { kind: 'value' }): boolean {
    const record = this.codec.decode(value);
    if (record.ok) this.records.set(key, record.value);
    else this.records.delete(key);
    return record.ok;
  }
}

/**
 * Who is let in, as the bucket says: followed by its tail, and told of our own acknowledged writes; whichever is second
 * changes nothing. A record that cannot be read lets nobody in. When the bucket is made anew, nobody is let in until it is
 * read again.
 */
export class AccessBook implements TailSink, Service {
  readonly name = 'access book';
  readonly #tokens = new Shelf<JoinTokenRecord>(joinTokenRecord);
  readonly #credentials = new Shelf<CredentialRecord>(credentialRecord);
  readonly #users = new Shelf<UserRecord>(userRecord);
  readonly #revisions = new Map<string, number>();
  readonly #unreadable = new Set<string>();
  readonly #listeners = new Set<() => void>();
  readonly #loaded = Promise.withResolvers<void>();
  readonly #tail: Tail;
  #isCurrent = false;

  constructor(kv: Kv) {
    this.#tail = kv.tail(this);
    // Whoever stops it before it is loaded waits for nothing.
    this.#loaded.promise.catch(() => {});
  }

  /** Resolves once all that was in the bucket is known. */
  async start(): Promise<void> {
    await this.#tail.start();
    await this.#loaded.promise;
  }

  async stop(): Promise<void> {
    this.#loaded.reject(new Error('the access book is closed'));
    await this.#tail.stop();
  }

  tokens(): readonly JoinTokenRecord[] {
    return [...this.#tokens.records.values()];
  }

  credentials(): readonly CredentialRecord[] {
    return [...this.#credentials.records.values()];
  }

  users(): readonly UserRecord[] {
    return [...this.#users.records.values()];
  }

  credential(agent: AgentId): CredentialRecord | null {
    return this.#credentials.records.get(credentialKey(agent)) ?? null;
  }

  user(name: string): UserRecord | null {
    return this.#users.records.get(userKey(name)) ?? null;
  }

  /** Records that cannot be read: of a newer version, or written by hand. */
  get unreadable(): number {
    return this.#unreadable.size;
  }

  /** Whether all that was in the bucket is known: not before it is read, nor while it is read anew. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  entry(entry: KvEntry): void {
    if (entry.revision <= (this.#revisions.get(entry.key) ?? 0)) return;
    this.#revisions.set(entry.key, entry.revision);
    const shelf = this.#shelfOf(entry.key);
    if (entry.kind === 'gone') {
      shelf?.records.delete(entry.key);
      this.#unreadable.delete(entry.key);
    } else if (shelf?.fold(entry) === true) this.#unreadable.delete(entry.key);
    else this.#unreadable.add(entry.key);
    this.#tell();
  }

  current(): void {
    this.#isCurrent = true;
    this.#loaded.resolve();
    this.#tell();
  }

  rewound(): void {
    this.#isCurrent = false;
    for (const { records } of [this.#tokens, this.#credentials, this.#users]) records.clear();
    this.#revisions.clear();
    this.#unreadable.clear();
    this.#tell();
  }

  #shelfOf(key: string) {
    switch (key.slice(0, key.indexOf('.'))) {
      case 'token':
        return this.#tokens;
      case 'agent':
        return this.#credentials;
      case 'user':
        return this.#users;
      default:
        return null;
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
