import {
  connect,
  credsAuthenticator,
  type Msg,
  type NatsConnection,
} from '@nats-io/transport-node';
import { decodeEpisode } from '@podctl/domain/episode-codec.ts';
import { agentOfSubject, BUCKETS, parseStateKey } from '@podctl/domain/key.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { type Bucket, openBucket } from '@podctl/platform/nats/bucket.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { type NatsTls, tlsSettings } from '@podctl/platform/nats/tls.ts';
import { sessionRecord } from '@podctl/platform/records.ts';
import { resultMessage, resultReply } from '@podctl/platform/wire.ts';
import type { Answer, EpisodeRevision } from '../failpoint/invariants.ts';
import type { Watch } from '../failpoint/watch.ts';
import type { NatsTrusted } from './fleet-keys.ts';

const RECORDED = 'recorded.';
const OPEN_MS_MAX = 60_000;

/** A write to an episode's key, and when it was seen. */
export interface Recorded extends EpisodeRevision {
  readonly atMs: number;
  /** What was the newest of its key when it was seen. */
  readonly before: Recorded | null;
}

export interface Verdict extends Answer {
  readonly agent: string;
  readonly atMs: number;
}

/**
 * All revisions of the state bucket, and all answers to results, as seen from a host that is never cut off. The bucket keeps
 * one revision a key, so the servers republish each write as they store it. One connection to each server: the death of
 * one takes nothing from the others. What a dying leader stored and did not tell is read afterwards, where it still is.
 */
export class Recorder {
  readonly verdicts: Verdict[] = [];
  /** What could not be read: there must be none. */
  readonly faults: string[] = [];
  readonly newest = new Map<string, Recorded>();
  /** By agent, the state of its newest session. */
  readonly sessions = new Map<string, string>();
  readonly #revisions = new Map<number, Recorded | null>();
  /** In the order in which they were seen: conditions are looked at with each message, and look at the end only. */
  readonly #seen: Recorded[] = [];
  readonly #questions = new Map<string, Omit<Verdict, 'answer' | 'atMs'>>();
  readonly #answered = new Set<string>();
  readonly #watch: Watch;
  readonly #pinned: readonly NatsConnection[];
  readonly #link: NatsLink;
  readonly #bucket: Bucket;
  #revision = 0;

  /** To be attached before anything else writes: it makes the bucket, as the product makes it. */
  static async attach(
    servers: readonly string[],
    { credentials, tls }: NatsTrusted,
    watch: Watch,
  ): Promise<Recorder> {
    const ports = { clock: systemClock, random: Math.random, listen: () => undefined };
    const signal = AbortSignal.timeout(OPEN_MS_MAX);
    const auth = { kind: 'credentials', read: () => credentials } as const;
    const link = await connectNats({ servers, name: 'recorder', auth, tls }, ports, signal);
    const of = { name: BUCKETS.state, replicas: servers.length, openWithinMs: OPEN_MS_MAX };
    const bucket = await openBucket(link, of, systemClock, signal);
    const pinned = await Promise.all(servers.map((server) => pinnedTo(server, credentials, tls)));
    const recorder = new Recorder(pinned, link, bucket, watch);
    await Promise.all(pinned.map((nc) => nc.flush()));
    const republish = { src: `${bucket.prefix}>`, dest: `${RECORDED}>` };
    await bucket.jsm.streams.update(bucket.stream, { republish });
    return recorder;
  }

  private constructor(
    pinned: readonly NatsConnection[],
    link: NatsLink,
    bucket: Bucket,
    watch: Watch,
  ) {
    this.#pinned = pinned;
    this.#link = link;
    this.#bucket = bucket;
    this.#watch = watch;
    for (const nc of pinned) {
      const listen = (subject: string, hear: (message: Msg) => void) =>
        nc.subscribe(subject, {
          callback: (error, message) => {
            if (error !== null) return;
            hear(message);
            this.#watch.wake();
          },
        });
      listen(`${RECORDED}>`, (message) => this.#record(message));
      listen('res.*', (message) => this.#asked(message));
      listen('_INBOX.>', (message) => this.#answeredBy(message));
    }
  }

  /** The newest revision that was seen. */
  get revision(): number {
    return this.#revision;
  }

  /** In order, of all keys of episodes. */
  revisions(): Recorded[] {
    return [...this.#seen].sort((a, b) => a.revision - b.revision);
  }

  /** Those that were seen since then, as they came. */
  seenSince(atMs: number): Recorded[] {
    const first = this.#seen.findLastIndex((entry) => entry.atMs < atMs);
    return this.#seen.slice(first + 1);
  }

  /** When a revision was seen; null while it was not. */
  seenAtMs(revision: number): number | null {
    return this.#revisions.get(revision)?.atMs ?? null;
  }

  /** The server that leads the stream, and the servers that have the consumers of who follows it. Rejects while nobody knows. */
  async leaders(): Promise<{ stream: string; consumers: string[] }> {
    const { jsm, stream } = this.#bucket;
    const { cluster } = await jsm.streams.info(stream);
    const consumers: string[] = [];
    for await (const { cluster: of, push_bound } of jsm.consumers.list(stream))
      if (push_bound === true) consumers.push(of?.leader ?? '');
    return { stream: cluster?.leader ?? '', consumers };
  }

  /** Reads what was stored and never told. Resolves to how many revisions nobody will see any more. */
  async complete(): Promise<number> {
    const { jsm, stream } = this.#bucket;
    let unseen = 0;
    for (let revision = 1; revision <= this.#revision; revision += 1) {
      if (this.#revisions.has(revision)) continue;
      const message = await jsm.streams.getMessage(stream, { seq: revision });
      if (message === null) unseen += 1;
      else
        this.#keep({
          key: message.subject.slice(`$KV.${BUCKETS.state}.`.length),
          revision,
          previous: null,
          data: message.data,
        });
    }
    return unseen;
  }

  async close(): Promise<void> {
    await Promise.all(this.#pinned.map((nc) => nc.close()));
    await this.#link.close();
  }

  #record(message: Msg): void {
    const revision = Number(message.headers?.get('Nats-Sequence'));
    const previous = Number(message.headers?.get('Nats-Last-Sequence'));
    const key = message.subject.slice(RECORDED.length);
    this.#keep({ key, revision, previous, data: message.data });
  }

  #keep(write: { key: string; revision: number; previous: number | null; data: Uint8Array }): void {
    const { key, revision, data } = write;
    if (this.#revisions.has(revision)) return;
    this.#revisions.set(revision, null);
    this.#revision = Math.max(this.#revision, revision);
    const { kind } = parseStateKey(key);
    if (kind === 'session') {
      const session = sessionRecord.decode(data);
      if (session.ok) this.sessions.set(session.value.agent, session.value.state);
      else this.faults.push(`${key}: ${session.error}`);
    }
    if (kind !== 'job') return;
    const state = decodeEpisode(new TextDecoder().decode(data));
    if (!state.ok) {
      this.faults.push(`${key}: ${state.error}`);
      return;
    }
    const last = this.newest.get(key);
    const previous = write.previous ?? last?.revision ?? 0;
    const atMs = performance.now();
    const entry = { key, revision, previous, state: state.value, atMs, before: last ?? null };
    this.#revisions.set(revision, entry);
    this.#seen.push(entry);
    if ((last?.revision ?? 0) < revision) this.newest.set(key, entry);
  }

  #asked(message: Msg): void {
    const agent = agentOfSubject(message.subject);
    const question = resultMessage.decode(message.data);
    if (agent === null || !question.ok || message.reply === undefined) return;
    const { feed, episode, stage, run, token } = question.value.job;
    this.#questions.set(message.reply, {
      ...{ key: `job.${feed}.${episode}`, stage, run, token },
      agent,
    });
  }

  #answeredBy(message: Msg): void {
    const question = this.#questions.get(message.subject);
    if (question === undefined || this.#answered.has(message.subject)) return;
    const reply = resultReply.decode(message.data);
    if (!reply.ok || reply.value.kind !== 'verdict') return;
    this.#answered.add(message.subject);
    this.verdicts.push({ ...question, answer: reply.value.answer, atMs: performance.now() });
  }
}

/** A connection that waits for its own server instead of moving to another. */
function pinnedTo(server: string, credentials: string, tls: NatsTls): Promise<NatsConnection> {
  return connect({
    servers: [server],
    name: 'recorder',
    authenticator: credsAuthenticator(new TextEncoder().encode(credentials)),
    tls: tlsSettings(tls, [server]),
    ignoreClusterUpdates: true,
    ignoreAuthErrorAbort: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    pingInterval: 2_000,
  });
}
