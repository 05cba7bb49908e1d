import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  type JetStreamManager,
  jetstreamManager,
} from '@nats-io/jetstream';
import { type Msg, nanos, type Subscription } from '@nats-io/transport-node';
import type { Clock } from '../clock.ts';
import type { KvEntry } from '../kv.ts';
import { orAborted } from './abortable.ts';
import type { Bucket } from './bucket.ts';
import { kvEntry } from './kv-entry.ts';
import { checkStream, type StreamCheck } from './tail-backstop.ts';
import { heartbeatShowsGap, onDelivery, parseDelivery, type TailCursor } from './tail-cursor.ts';

export interface TailHooks {
  /** First sign of the consumer: the answer that it was made, or a message of it, which may come before that. */
  made(): void;
  heard(): void;
  entry(entry: KvEntry): void;
  /** All that was in the stream when the consumer was made has been delivered. Called once, if asked for. */
  caughtUp(): void;
}

export interface TailFrom {
  /** Newest delivered revision, or 0. */
  readonly revision: number;
  /** When the stream was made to which that revision belongs. */
  readonly created: string;
  /** Whether it was caught up before, under another consumer. */
  readonly isCurrent: boolean;
}

export type ConsumerEnd = {
  /** Whether anything came from it: then its successor need not wait. */
  readonly wasHeard: boolean;
  /** When the stream was made that the next consumer will read. */
  readonly created: string;
} & (
  | { readonly kind: 'stopped' | 'silent' | 'gap' | 'blind' | 'rewound' }
  | { readonly kind: 'failed'; readonly error: unknown }
);

const HEARTBEAT_MS = 500;
const SILENCE_MS = 1_500;
const BACKSTOP_MS = 5_000;
/** The server forgets a consumer that nobody listens to after this time. */
const INACTIVE_MS = 5_000;
const STATUS_CONTROL = 100;

/** One life of the consumer behind a tail: made, listened to, given up. Never rejects. */
export async function followConsumer(
  bucket: Bucket,
  from: TailFrom,
  clock: Clock,
  signal: AbortSignal,
  hooks: TailHooks,
): Promise<ConsumerEnd> {
  const follower = new ConsumerFollower(bucket, from, clock, hooks);
  return await follower.follow(signal);
}

type EndKind = Exclude<ConsumerEnd['kind'], 'failed'>;

class ConsumerFollower {
  readonly #bucket: Bucket;
  readonly #from: TailFrom;
  readonly #clock: Clock;
  readonly #hooks: TailHooks;
  readonly #ended = new AbortController();
  #endKind: EndKind = 'stopped';
  #error: unknown = null;
  #cursor: TailCursor;
  #heardAtMs: number;
  #wasHeard = false;
  #created: string;
  /** Newest revision of the stream when this consumer was made; null when it is of no more use. */
  #target: number | null = null;
  #asking: Promise<void> | null = null;

  constructor(bucket: Bucket, from: TailFrom, clock: Clock, hooks: TailHooks) {
    this.#bucket = bucket;
    this.#from = from;
    this.#clock = clock;
    this.#hooks = hooks;
    this.#cursor = { revision: from.revision, heard: 0 };
    this.#heardAtMs = clock.monotonicMs();
    this.#created = from.created;
  }

  async follow(signal: AbortSignal): Promise<ConsumerEnd> {
    const either = AbortSignal.any([signal, this.#ended.signal]);
    const forget = this.#bucket.link.onDisconnect(() => this.#giveUp('silent'));
    let subscription: Subscription | null = null;
    try {
      await this.#bucket.link.whenConnected(either);
      const jsm = await this.#manager();
      await this.#lookAtStream(jsm, either);
      this.#heardAtMs = this.#clock.monotonicMs();
      const inbox = this.#bucket.link.newInbox();
      subscription = this.#bucket.link.nc.subscribe(inbox, {
        callback: (error, message) => this.#onMessage(error, message),
      });
      const info = await this.#make(jsm, inbox, either);
      await Promise.race([this.#watchSilence(either), this.#watchStream(info.name, either)]);
    } catch (error) {
      if (!either.aborted) this.#fail(error);
    } finally {
      this.#ended.abort();
      forget();
      subscription?.unsubscribe();
    }
    return this.#end(signal);
  }

  #end(signal: AbortSignal): ConsumerEnd {
    const facts = { wasHeard: this.#wasHeard, created: this.#created };
    if (signal.aborted) return { kind: 'stopped', ...facts };
    if (this.#error !== null) return { kind: 'failed', error: this.#error, ...facts };
    return { kind: this.#endKind, ...facts };
  }

  /**
   * What is asked while a server is dying goes unanswered, and the question after it is answered: waiting long for the
   * first is being blind for so long. A first load may take the server its time.
   */
  async #manager(): Promise<JetStreamManager> {
    if (this.#from.revision === 0) return this.#bucket.jsm;
    return jetstreamManager(this.#bucket.link.nc, { checkAPI: false, timeout: SILENCE_MS });
  }

  async #lookAtStream(jsm: JetStreamManager, signal: AbortSignal): Promise<void> {
    const { created, state } = await orAborted(jsm.streams.info(this.#bucket.stream), signal);
    if (created !== this.#created || state.last_seq < this.#cursor.revision) {
      this.#created = created;
      this.#giveUp('rewound');
      throw new Error('the stream is another one');
    }
    if (!this.#from.isCurrent) this.#target = state.last_seq;
  }

  async #make(jsm: JetStreamManager, inbox: string, signal: AbortSignal): Promise<ConsumerInfo> {
    const config = consumerConfig(this.#bucket, inbox, this.#from.revision);
    const added = jsm.consumers.add(this.#bucket.stream, config);
    const info = await orAborted(added, signal);
    this.#heard();
    this.#lookIfCaughtUp(info.num_pending === 0);
    return info;
  }

  /**
   * The count of what is pending drifts when keys are rewritten while they load, so it is only a reason to ask. The
   * newest revision may be gone (an expired marker), so it is not waited for either: exact is what comes next.
   */
  #lookIfCaughtUp(isIdle: boolean): void {
    if (this.#target === null) return;
    if (this.#cursor.revision >= this.#target) this.#caughtUp();
    else if (isIdle && this.#asking === null) this.#asking = this.#ask(this.#target);
  }

  async #ask(target: number): Promise<void> {
    const query = { seq: this.#cursor.revision + 1, next_by_subj: `${this.#bucket.prefix}>` };
    try {
      const next = await this.#bucket.jsm.streams.getMessage(this.#bucket.stream, query);
      if (next === null || next.seq > target) this.#caughtUp();
    } catch {
      // The next heartbeat asks again.
    }
    this.#asking = null;
  }

  #caughtUp(): void {
    if (this.#target === null || this.#ended.signal.aborted) return;
    this.#target = null;
    this.#hooks.caughtUp();
  }

  async #watchSilence(signal: AbortSignal): Promise<void> {
    for (;;) {
      const leftMs = this.#heardAtMs + SILENCE_MS - this.#clock.monotonicMs();
      if (leftMs <= 0) break;
      await this.#clock.sleep(leftMs, signal);
    }
    this.#giveUp('silent');
  }

  /** Heartbeats may come from a consumer that is blind: what the stream says of itself is compared now and then. */
  async #watchStream(consumer: string, signal: AbortSignal): Promise<void> {
    let check: StreamCheck = { verified: 0, heardBefore: -1 };
    for (;;) {
      await this.#clock.sleep(BACKSTOP_MS, signal);
      const from = { created: this.#created, consumer };
      const found = await checkStream(this.#bucket, from, () => this.#cursor, check);
      if (signal.aborted) return;
      if (found.kind === 'rewound') this.#created = found.created;
      if (found.kind !== 'fine') {
        this.#giveUp(found.kind);
        return;
      }
      check = found.check;
    }
  }

  /** Runs in the connection's reader: one message at a time, in order. */
  #onMessage(error: Error | null, message: Msg): void {
    if (this.#ended.signal.aborted) return;
    if (error !== null) this.#fail(error);
    else if (message.headers?.code === STATUS_CONTROL) this.#onControl(message);
    else this.#onDelivery(message);
  }

  #onDelivery(message: Msg): void {
    const delivery = parseDelivery(message.reply);
    if (delivery === null) return;
    const step = onDelivery(this.#cursor, delivery);
    if (step.kind === 'gap') {
      this.#giveUp('gap');
      return;
    }
    this.#heard();
    this.#cursor = step.cursor;
    if (step.kind === 'deliver') {
      const key = message.subject.slice(this.#bucket.prefix.length);
      this.#hooks.entry(kvEntry(key, delivery.revision, message.data, message.headers));
    }
    this.#lookIfCaughtUp(delivery.pending === 0);
  }

  /** A heartbeat, or a question whether everything so far was taken in. Both may want an answer, or deliveries stall. */
  #onControl(message: Msg): void {
    this.#heard();
    if (message.reply !== undefined && message.reply !== '') message.respond();
    const stalled = message.headers?.get('Nats-Consumer-Stalled') ?? '';
    if (stalled !== '') this.#bucket.link.nc.publish(stalled);
    const last = Number(message.headers?.get('Nats-Last-Consumer') ?? '0');
    if (heartbeatShowsGap(this.#cursor, last)) this.#giveUp('gap');
    else this.#lookIfCaughtUp(true);
  }

  #heard(): void {
    this.#heardAtMs = this.#clock.monotonicMs();
    if (!this.#wasHeard) this.#hooks.made();
    this.#wasHeard = true;
    this.#hooks.heard();
  }

  #giveUp(kind: EndKind): void {
    this.#endKind = kind;
    this.#ended.abort();
  }

  #fail(error: unknown): void {
    this.#error = error;
    this.#ended.abort();
  }
}

function consumerConfig(bucket: Bucket, inbox: string, revision: number): Partial<ConsumerConfig> {
  const start =
    revision === 0
      ? { deliver_policy: DeliverPolicy.LastPerSubject }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: revision + 1 };
  return {
    ...start,
    deliver_subject: inbox,
    filter_subject: `${bucket.prefix}>`,
    ack_policy: AckPolicy.None,
    idle_heartbeat: nanos(HEARTBEAT_MS),
    flow_control: true,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: nanos(INACTIVE_MS),
  };
}
