import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StoredMsg,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos, type Subscription } from '@nats-io/transport-node';
import { EVENT_STREAM, EVENT_SUBJECTS, eventPattern, eventSubject } from '@podctl/domain/key.ts';
import {
  type AppendedEvent,
  EVENT_REPEAT_MS,
  EVENTS_MAX,
  type EventBounds,
  type EventFilter,
  type EventStream,
  type EventsFrom,
  EventsUnavailable,
  type EventToStore,
  type StoredEvent,
} from '../event-stream.ts';
import { overLine } from './abortable.ts';
import type { NatsLink } from './connection.ts';

export interface EventStreamOptions {
  /** 1, or 3 or 5 in separate failure domains; counts when the stream is made. */
  readonly replicas: number;
  readonly keepMs: number;
  /** The server sets this room aside at once, and refuses to where it does not have it. */
  readonly bytesMax: number;
}

const TIMEOUT_MS = 5_000;
/** Of one answer, which the server sends without being asked for each part. */
const BATCH_MAX = 500;
const STREAM_NAME_IN_USE = 10_058;
const MESSAGE_ID_HEADER = 'Nats-Msg-Id';

interface OpenStream {
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
}

/**
 * The events as a JetStream stream. It is opened when it is first used, and again after that failed, so that nothing but
 * events waits for it. Read in batches without a consumer: there is none that could go blind, and a reader that does not
 * read costs the server nothing.
 */
export class NatsEventStream implements EventStream {
  readonly #link: NatsLink;
  readonly #options: EventStreamOptions;
  readonly #listeners = new Set<() => void>();
  #opened: Promise<OpenStream> | null = null;
  #wakes: Subscription | null = null;

  constructor(link: NatsLink, options: EventStreamOptions) {
    this.#link = link;
    this.#options = options;
  }

  async append({ id, type, feed, agent, data }: EventToStore): Promise<AppendedEvent> {
    const subject = eventSubject(type, feed, agent);
    const { seq, duplicate } = await this.#ask('append', undefined, ({ js }) =>
      js.publish(subject, data, { msgID: id }),
    );
    return { sequence: seq, repeated: duplicate };
  }

  async read(
    from: EventsFrom,
    { type, feed, agent }: EventFilter,
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly StoredEvent[]> {
    const pattern = eventPattern(type, feed, agent);
    const events: StoredEvent[] = [];
    let next = from;
    while (events.length < limit) {
      const size = Math.min(BATCH_MAX, limit - events.length);
      const batch = await this.#ask('read', signal, ({ jsm }) =>
        readBatch(jsm, next, pattern, size, signal),
      );
      events.push(...batch);
      const last = batch.at(-1);
      if (batch.length < size || last === undefined) break;
      next = { kind: 'after', sequence: last.sequence };
    }
    return events;
  }

  async bounds(signal: AbortSignal): Promise<EventBounds> {
    const { state } = await this.#ask('look', signal, ({ jsm }) => jsm.streams.info(EVENT_STREAM));
    return { first: Math.max(1, state.first_seq), last: state.last_seq };
  }

  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    // What is published to the stream is heard as a message, too.
    this.#wakes ??= this.#link.nc.subscribe(EVENT_SUBJECTS, {
      callback: () => {
        for (const each of this.#listeners) each();
      },
    });
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#wakes?.unsubscribe();
      this.#wakes = null;
    };
  }

  async #ask<T>(
    what: string,
    signal: AbortSignal | undefined,
    ask: (stream: OpenStream) => Promise<T>,
  ): Promise<T> {
    try {
      return await overLine(this.#link, TIMEOUT_MS, signal, async () => {
        this.#opened ??= openStream(this.#link, this.#options);
        return await ask(await this.#opened);
      });
    } catch (error) {
      // Whatever failed: that it is there is looked at again.
      this.#opened = null;
      signal?.throwIfAborted();
      throw new EventsUnavailable(what, error);
    }
  }
}

/** Makes the stream, or takes the one that is there and gives it the limits that are set now. */
async function openStream(link: NatsLink, options: EventStreamOptions): Promise<OpenStream> {
  const settings = { checkAPI: false, timeout: TIMEOUT_MS };
  const jsm = await jetstreamManager(link.nc, settings);
  const js = jetstream(link.nc, { timeout: TIMEOUT_MS });
  const limits = {
    max_age: nanos(options.keepMs),
    max_bytes: options.bytesMax,
    max_msgs: EVENTS_MAX,
  };
  try {
    await jsm.streams.add({ ...RULES, ...limits, num_replicas: options.replicas });
  } catch (error) {
    const isThere = error instanceof JetStreamApiError && error.code === STREAM_NAME_IN_USE;
    if (!isThere) throw error;
    const { config } = await jsm.streams.info(EVENT_STREAM);
    const isSame = Object.entries(limits).every(([name, value]) => {
      const found: Partial<Record<string, unknown>> = { ...config };
      return found[name] === value;
    });
    if (!isSame) await jsm.streams.update(EVENT_STREAM, limits);
  }
  return { js, jsm };
}

const RULES: Partial<StreamConfig> & { name: string } = {
  name: EVENT_STREAM,
  subjects: [EVENT_SUBJECTS],
  retention: RetentionPolicy.Limits,
  storage: StorageType.File,
  discard: DiscardPolicy.Old,
  duplicate_window: nanos(EVENT_REPEAT_MS),
  // A replica that is behind shows the beginning of what there is, never a hole: who reads on finds the rest.
  allow_direct: true,
  deny_delete: true,
};

/** In the client's iterator form the subscription behind each batch would stay. */
async function readBatch(
  jsm: JetStreamManager,
  from: EventsFrom,
  pattern: string,
  batch: number,
  signal: AbortSignal,
): Promise<StoredEvent[]> {
  const start =
    from.kind === 'after'
      ? { seq: from.sequence + 1 }
      : { start_time: new Date(from.storedMs).toISOString() };
  const events: StoredEvent[] = [];
  const ended = Promise.withResolvers<void>();
  const callback = (done: { err?: Error } | null, message: StoredMsg) => {
    if (done === null) events.push(storedEvent(message));
    else if (done.err === undefined || isNothing(done.err)) ended.resolve();
    else ended.reject(done.err);
  };
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const reading = await jsm.direct.getBatch(EVENT_STREAM, {
    ...start,
    batch,
    next_by_subj: pattern,
    callback,
  });
  const stop = () => {
    reading.stop();
    ended.reject(limit.reason);
  };
  limit.addEventListener('abort', stop, { once: true });
  try {
    if (limit.aborted) stop();
    await ended.promise;
    return events;
  } finally {
    limit.removeEventListener('abort', stop);
    reading.stop();
  }
}

function isNothing(error: Error): boolean {
  return 'code' in error && error.code === 404;
}

function storedEvent({ seq, header, data }: StoredMsg): StoredEvent {
  return { sequence: seq, id: header.get(MESSAGE_ID_HEADER), data };
}
