import type { Msg } from '@nats-io/transport-node';
import { decodeEpisode } from '@podctl/domain/episode-codec.ts';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import { agentOfSubject, BUCKETS, parseStateKey } from '@podctl/domain/key.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { openBucket } from '@podctl/platform/nats/bucket.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { feedRecord, sessionRecord } from '@podctl/platform/records.ts';
import { resultMessage, resultReply } from '@podctl/platform/wire.ts';
import type { Answer, EpisodeRevision } from './invariants.ts';
import type { Watch } from './watch.ts';

const RECORDED = 'recorded.';

/**
 * Every revision of the state bucket from its first on, in order, and every answer to a result. The bucket keeps one
 * revision a key, and a consumer could miss one that is written over; so the server itself republishes each as it stores it.
 */
export class RevisionLog {
  readonly episodes: EpisodeRevision[] = [];
  readonly answers: Answer[] = [];
  /** What was missed or cannot be read: there must be none. */
  readonly faults: string[] = [];
  /** By agent, the state of its session. */
  readonly sessions = new Map<string, string>();
  /** By feed, what went wrong at its last poll. */
  readonly feedProblems = new Map<string, string | null>();
  /** By key. */
  readonly newest = new Map<string, EpisodeRevision>();
  readonly #questions = new Map<string, Omit<Answer, 'answer'>>();
  readonly #watch: Watch;
  readonly #link: NatsLink;
  #last = 0;

  /** To be attached before anything else writes: it makes the bucket, as the product makes it. */
  static async attach(url: string, watch: Watch): Promise<RevisionLog> {
    const ports = { clock: systemClock, random: Math.random, listen: () => undefined };
    const options = { servers: [url], name: 'revision-log', auth: { kind: 'none' } } as const;
    const signal = AbortSignal.timeout(30_000);
    const link = await connectNats(options, ports, signal);
    const name = BUCKETS.state;
    const { jsm, stream, prefix } = await openBucket(
      link,
      { name, replicas: 1 },
      systemClock,
      signal,
    );
    const log = new RevisionLog(link, watch);
    await link.nc.flush();
    const republish = { src: `${prefix}>`, dest: `${RECORDED}>` };
    await jsm.streams.update(stream, { republish });
    return log;
  }

  private constructor(link: NatsLink, watch: Watch) {
    this.#link = link;
    this.#watch = watch;
    const listen = (subject: string, hear: (message: Msg) => void) =>
      link.nc.subscribe(subject, {
        callback: (error, message) => {
          if (error === null) hear(message);
          else this.faults.push(error.message);
          this.#watch.wake();
        },
      });
    listen(`${RECORDED}>`, (message) => this.#record(message));
    listen('res.*', (message) => this.#asked(message));
    listen('_INBOX.>', (message) => this.#answered(message));
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  #record(message: Msg): void {
    const revision = Number(message.headers?.get('Nats-Sequence'));
    const previous = Number(message.headers?.get('Nats-Last-Sequence'));
    if (revision !== this.#last + 1)
      this.faults.push(`revision ${revision} was recorded after ${this.#last}`);
    this.#last = revision;
    const key = message.subject.slice(RECORDED.length);
    const { kind } = parseStateKey(key);
    if (kind === 'session') {
      const session = sessionRecord.decode(message.data);
      if (session.ok) this.sessions.set(session.value.agent, session.value.state);
      else this.faults.push(`${key}: ${session.error}`);
    }
    if (kind === 'feed') {
      const feed = feedRecord.decode(message.data);
      if (feed.ok) this.feedProblems.set(feed.value.feed, feed.value.problem);
      else this.faults.push(`${key}: ${feed.error}`);
    }
    if (kind !== 'job') return;
    const state = decodeEpisode(new TextDecoder().decode(message.data));
    if (state.ok) this.#keep({ key, revision, previous, state: state.value });
    else this.faults.push(`${key}: ${state.error}`);
  }

  #keep(entry: EpisodeRevision): void {
    this.episodes.push(entry);
    this.newest.set(entry.key, entry);
  }

  #asked(message: Msg): void {
    const agent = agentOfSubject(message.subject);
    const question = resultMessage.decode(message.data);
    if (agent === null || !question.ok || message.reply === undefined) return;
    const { feed, episode, stage, run, token } = question.value.job;
    this.#questions.set(message.reply, { key: `job.${feed}.${episode}`, stage, run, token });
  }

  #answered(message: Msg): void {
    const question = this.#questions.get(message.subject);
    if (question === undefined) return;
    const reply = resultReply.decode(message.data);
    if (!reply.ok || reply.value.kind !== 'verdict') return;
    this.answers.push({ ...question, answer: reply.value.answer });
  }
}

/** The newest states of a feed's episodes. */
export function episodesOf(log: RevisionLog, feed: string): EpisodeState[] {
  return [...log.newest.values()]
    .filter(({ key }) => key.startsWith(`job.${feed}.`))
    .map(({ state }) => state);
}
