import { type HostName, hostOfEnclosure } from '@podctl/domain/host-name.ts';
import {
  afterSuccesses,
  afterThrottle,
  allowedNow,
  type HostRecord,
  type HostRules,
  type HostState,
  limitOf,
  SUCCESSES_TO_RISE,
} from '@podctl/domain/host-state.ts';
import type { AgentId, EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { feedHostKey } from '@podctl/domain/key.ts';
import type { JobToken, ResultOutcome } from '@podctl/domain/protocol.ts';
import { type AttemptEnd, backoffMs } from '@podctl/domain/retry.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { downloadHost, noteAnswer } from '../core/episode-hosts.ts';
import { HostPace } from '../core/host-pace.ts';
import { type PlannedHosts, plannedHosts } from '../core/host-room.ts';
import { HostMemories, type ThrottleCode, throttleCode } from '../core/host-verdict.ts';
import type { Logger } from './logger.ts';
import type { Replica } from './replica.ts';
import { type Store, UnreadableValue } from './store.ts';

export interface HostDeskOptions {
  readonly store: Store;
  readonly replica: Replica;
  readonly clock: Clock;
  readonly rules: HostRules;
  readonly log: Logger;
  /** Told of each answer that asked for patience. */
  throttled?(code: ThrottleCode): void;
}

type Failed = Extract<ResultOutcome, { readonly kind: 'failed' }>;

/** A download that ended: who had it, and since when by the leader's clock. */
export interface EndedDownload {
  readonly job: JobToken;
  readonly agent: AgentId;
  readonly startedMs: number;
}

const TRIES_MAX = 8;
/** Feeds whose audio comes from several hosts in turn are not written anew with each episode. */
const LEARN_EVERY_MS = 60_000;
const FEEDS_MAX = 10_000;
/** Records of hosts are never removed; a delivery network that names a host for each file must not make one for each. */
const HOSTS_MAX = 10_000;

/** What a leader knows and does about hosts: what they may be given, and what their answers mean for all agents. */
export class HostDesk {
  readonly #options: HostDeskOptions;
  readonly #pace: HostPace;
  readonly #memories = new HostMemories();
  readonly #learnedMs = new Map<FeedId, number>();

  constructor(options: HostDeskOptions) {
    this.#options = options;
    this.#pace = new HostPace(options.rules.startsPerSecond);
  }

  /** What a plan may give now. */
  planned(nowMs: number): PlannedHosts {
    const { replica, rules } = this.#options;
    return plannedHosts(replica.snapshot, rules, this.#pace, nowMs);
  }

  /** Whether its host still takes downloads, since a plan takes a while to be written. */
  mayBegin(feed: FeedId, episode: EpisodeId, nowMs: number): boolean {
    const { replica, rules } = this.#options;
    const host = this.#hostOf(feed, episode);
    if (host === null) return true;
    return allowedNow(host, replica.snapshot.hosts.get(host)?.record ?? null, rules, nowMs) > 0;
  }

  /** A download of the feed was given to an agent. */
  began(feed: FeedId, episode: EpisodeId, nowMs: number): void {
    const host = this.#hostOf(feed, episode);
    if (host !== null) this.#pace.began(host, nowMs);
  }

  /** Finds out, by an episode that waits, which host a feed's audio comes from. Rejects when NATS is away. */
  async findOut(feeds: readonly FeedId[]): Promise<void> {
    await Promise.all(feeds.map((feed) => this.#findOut(feed)));
  }

  async #findOut(feed: FeedId): Promise<void> {
    const { store, replica } = this.#options;
    const [episode] = replica.snapshot.feeds.get(feed)?.ready.download ?? [];
    if (episode === undefined || replica.snapshot.feedHosts.has(feed)) return;
    const meta = await store.readMeta(feed, episode).catch(unreadable);
    await this.#writeFeedHost(feed, meta === null ? null : hostOfEnclosure(meta.url), false);
  }

  /** A download came: its feed's host is known by it, and a host that had asked for patience is trusted a little more. */
  async served({ job, startedMs }: EndedDownload, host: HostName | undefined): Promise<void> {
    const nowMs = this.#options.clock.wallMs();
    const { snapshot } = this.#options.replica;
    if (host !== undefined) noteAnswer(snapshot, job.feed, job.episode, host);
    if (host !== undefined && this.#mayLearn(job.feed, nowMs)) await this.#learn(job.feed, host);
    const at = host ?? this.#hostOf(job.feed, job.episode);
    if (at === null) return;
    const state = snapshot.hosts.get(at)?.record ?? null;
    const successes = this.#memories.served(at, state, startedMs, nowMs);
    if (successes < SUCCESSES_TO_RISE) return;
    this.#memories.begin(at);
    await this.#change(at, (before) =>
      before === null || before.strikes === 0
        ? null
        : afterSuccesses(before, limitOf(at, this.#options.rules)),
    ).catch(unreadable);
  }

  /**
   * What the end of a failed download means. Null: nothing for its host. Where the host asks for patience, that is written before
   * the lock is freed, so that no plan gives it the next one; the episode is handed back, and waits a little longer than its host,
   * so that another one is tried first.
   */
  async sentAway(ended: EndedDownload, outcome: Failed): Promise<AttemptEnd | null> {
    const code = throttleCode(outcome.code);
    const { job, startedMs } = ended;
    const host = outcome.host ?? this.#hostOf(job.feed, job.episode);
    if (code === null || host === null || outcome.returned || outcome.final) return null;
    const { hosts } = this.#options.replica.snapshot;
    if (hosts.size >= HOSTS_MAX && !hosts.has(host)) return null;
    this.#options.throttled?.(code);
    noteAnswer(this.#options.replica.snapshot, job.feed, job.episode, host);
    await this.#learn(job.feed, host);
    const { replica, rules, clock, log } = this.#options;
    const { reason, retryAfterMs } = outcome;
    const { episode, token } = job;
    const known = replica.snapshot.hosts.get(host)?.record ?? null;
    const nowMs = clock.wallMs();
    const blame = this.#memories.sentAway(host, known, { episode, token, code }, nowMs);
    if (blame.host) {
      const throttle = { startedMs, retryAfterMs, why: reason };
      const state = await this.#change(host, (before) =>
        afterThrottle(before, throttle, rules, clock.wallMs()),
      ).catch(unreadable);
      this.#memories.begin(host);
      log.warn({ host, ...state, code, ...job, agent: ended.agent }, 'a host asks for patience');
    }
    if (blame.episode) return null;
    const untilMs = replica.snapshot.hosts.get(host)?.record.coolingUntilMs ?? nowMs;
    const { coolDownFirstMs: backoffFirstMs, coolDownMaxMs: backoffMaxMs } = rules;
    const behindMs = backoffMs(blame.times, { backoffFirstMs, backoffMaxMs }, MIDDLE);
    return {
      kind: 'returned',
      reason: `${host} asks for patience: ${reason}`,
      retryAfterMs: Math.max(0, untilMs - nowMs) + behindMs,
    };
  }

  #hostOf(feed: FeedId, episode: EpisodeId): HostName | null {
    return downloadHost(this.#options.replica.snapshot, feed, episode) ?? null;
  }

  #mayLearn(feed: FeedId, nowMs: number): boolean {
    const isLearned = this.#options.replica.snapshot.feedHosts.get(feed)?.record.learned === true;
    const lastMs = this.#learnedMs.get(feed) ?? Number.NEGATIVE_INFINITY;
    return !isLearned || nowMs - lastMs >= LEARN_EVERY_MS;
  }

  async #learn(feed: FeedId, host: HostName): Promise<void> {
    const known = this.#options.replica.snapshot.feedHosts.get(feed)?.record;
    if (known?.learned === true && known.host === host) return;
    this.#learnedMs.delete(feed);
    this.#learnedMs.set(feed, this.#options.clock.wallMs());
    const [oldest] = this.#learnedMs.keys();
    if (this.#learnedMs.size > FEEDS_MAX && oldest !== undefined) this.#learnedMs.delete(oldest);
    await this.#writeFeedHost(feed, host, true);
  }

  /** One that comes second changes nothing: what the other wrote is as good, and the next download tells again. */
  async #writeFeedHost(feed: FeedId, host: HostName | null, learned: boolean): Promise<void> {
    const { store, replica } = this.#options;
    if (replica.snapshot.unreadable.has(feedHostKey(feed))) return;
    const expected = replica.snapshot.feedHosts.get(feed)?.revision ?? 0;
    const of = { cluster: store.cluster(), nonce: store.newNonce() };
    const written = await store.casFeedHost({ ...of, feed, host, learned }, expected);
    if (written.kind === 'unknown') throw written.cause;
  }

  /** The state as it stands then. Rejects when it cannot be told whether it was written. */
  async #change(
    host: HostName,
    decide: (before: HostState | null) => HostState | null,
  ): Promise<HostState | null> {
    const { store } = this.#options;
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const { record, revision } = await store.readHost(host);
      const after = decide(record);
      if (after === null) return record;
      const of = { cluster: store.cluster(), nonce: store.newNonce(), host };
      const next: HostRecord = { ...after, ...of };
      const written = await store.casHost(next, revision);
      if (written.kind === 'written') return after;
      if (written.kind === 'unknown') throw written.cause;
    }
    throw new Error(`${TRIES_MAX} writes of a host's state in a row came second`);
  }
}

const MIDDLE = 0.5;

/** What this version cannot read stands in nobody's way. */
function unreadable(error: unknown): null {
  if (error instanceof UnreadableValue) return null;
  throw error;
}
