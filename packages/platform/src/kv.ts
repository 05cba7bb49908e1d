/**
 * Keys with revisions as a port. One revision counter per bucket; every write to the bucket raises it.
 * What excludes rivals is `cas`, and nothing else: reads may be old, and a write that timed out may land later.
 */
export interface Kv {
  /** Reads from the bucket's leader. Null when the key has no value and no marker. Rejects with `KvUnavailable`. */
  get(key: string, signal?: AbortSignal): Promise<KvEntry | null>;
  /** Writes if the key's newest revision is `expected` (0: never written, or its marker is gone). Never rejects. */
  cas(key: string, expected: number, value: Uint8Array, options?: CasOptions): Promise<CasOutcome>;
  /** Leaves a deletion marker if the key's newest revision is `expected`. Never rejects. */
  remove(key: string, expected: number): Promise<CasOutcome>;
  /** Writes whatever was there: only for records that nobody decides by. Rejects with `KvUnavailable`. */
  put(key: string, value: Uint8Array): Promise<number>;
  /** Follows the bucket: first the newest entry of each key, then each write, in order of revision. */
  tail(sink: TailSink): Tail;
}

export type KvEntry =
  | {
      readonly kind: 'value';
      readonly key: string;
      readonly revision: number;
      readonly value: Uint8Array;
    }
  /** Deleted or expired; the revision is the marker's and is what the next `cas` must expect. */
  | { readonly kind: 'gone'; readonly key: string; readonly revision: number };

export interface CasOptions {
  /**
   * The value is removed by the server after this time, leaving a marker: whole seconds, rounded up, at least one.
   * A write without it has no end: repeat it.
   */
  ttlMs?: number;
}

export type CasOutcome =
  | { readonly kind: 'written'; readonly revision: number }
  /** Somebody wrote before: nothing was changed. */
  | { readonly kind: 'conflict' }
  /** No answer: it may have landed, may land later, or never. Recover from the tailed state, by the nonce in the value. */
  | { readonly kind: 'unknown'; readonly cause: Error };

/** Calls come one at a time and must not throw. */
export interface TailSink {
  entry(entry: KvEntry): void;
  /** Everything that was in the bucket when the tail began has been delivered. Called once. */
  current(revision: number): void;
  /**
   * The bucket is an older or another one than before (restored, made anew): what was delivered is void. Everything
   * follows from its beginning, and then `current` is called again.
   */
  rewound?(): void;
}

export interface Tail {
  /** Begins, and goes on until `stop`, whatever fails; `current` tells when it has caught up. */
  start(): Promise<void>;
  /** No call of the sink comes after this. */
  stop(): Promise<void>;
  /** What it knows of itself, for health and metrics. */
  state(): TailState;
}

export interface TailState {
  readonly phase: 'loading' | 'live' | 'silent' | 'stopped';
  /** Newest revision delivered. */
  readonly revision: number;
  /** Monotonic time at which the server was last heard on it, heartbeats included. */
  readonly heardAtMs: number;
  /** How often the consumer was made anew. */
  readonly recreated: number;
}

export class KvUnavailable extends Error {
  constructor(what: string, cause: unknown) {
    const why = cause instanceof Error ? ` (${cause.message})` : '';
    super(`the key-value store did not answer: ${what}${why}`, { cause });
    this.name = 'KvUnavailable';
  }
}
