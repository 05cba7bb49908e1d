import { createHash } from 'node:crypto';
import { episodeMetaOf } from '@podctl/domain/episode-meta.ts';
import { newEpisode } from '@podctl/domain/episode-state.ts';
import type { FeedDocument } from '@podctl/domain/feed/feed-document.ts';
import { type FeedProblem, keptProblems } from '@podctl/domain/feed/feed-problem.ts';
import { foldListing, type NewEpisode } from '@podctl/domain/feed/ledger.ts';
import { nextPollMs, type PollPolicy } from '@podctl/domain/feed/poll.ts';
import { type FeedReading, type FeedRecord, formerUrlsOf } from '@podctl/domain/feed-record.ts';
import type { FeedId } from '@podctl/domain/ids.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { type FeedVerdict, isLastingFault, judge, standing } from '../core/feed-verdict.ts';
import { episodeRow } from '../core/snapshot.ts';
import { type ReadingChoices, readFeed } from './feed-reading.ts';
import type { FeedSource } from './feed-source.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';
import type { Replica } from './replica.ts';
import type { Store } from './store.ts';

export interface PollerOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly replica: Replica;
  readonly feeds: FeedSource;
  readonly policy: PollPolicy;
  readonly itemsMax: number;
  readonly reading: ReadingChoices;
  readonly log: Logger;
  random(): number;
  polled(seconds: number): void;
}

const TICK_MS = 5_000;
const SPACING_MS = 50;
const FEEDS_AT_ONCE = 8;
const EPISODES_AT_ONCE = 64;
/** A feed that is gone is not asked again. */
const NEVER_MS = 100 * 365 * 86_400_000;
/** The request id under which the first runs of an episode are wanted. */
const FIRST_REQUEST = 'poll';

/** Fetches the feeds that are due and folds what they list into the ledger, which only ever grows. Leader only. */
export class Poller extends Loop {
  readonly #options: PollerOptions;

  constructor(options: PollerOptions) {
    super('poller', {
      clock: options.clock,
      tickMs: TICK_MS,
      spacingMs: SPACING_MS,
      log: options.log,
    });
    this.#options = options;
  }

  protected override async turn(signal: AbortSignal): Promise<void> {
    const nowMs = this.#options.clock.wallMs();
    const due = [...this.#options.replica.snapshot.feeds.values()].filter(
      ({ record }) => record !== null && record.removed !== true && record.nextPollMs <= nowMs,
    );
    const queue = due[Symbol.iterator]();
    const worker = async () => {
      for (const { id } of queue) if (!signal.aborted) await this.#poll(id, signal);
    };
    await Promise.all(Array.from({ length: Math.min(FEEDS_AT_ONCE, due.length) }, worker));
  }

  async #poll(feed: FeedId, signal: AbortSignal): Promise<void> {
    const { clock, polled } = this.#options;
    const beganMs = clock.monotonicMs();
    try {
      const { record, revision } = await this.#options.store.readFeed(feed);
      if (record === null || record.removed === true) return;
      const outcome = await this.#options.feeds.fetch(record, signal);
      const verdict = judge(outcome, this.#options.clock.wallMs());
      if (verdict.kind === 'fresh' && outcome.kind === 'response')
        await this.#fold(record, revision, outcome, verdict, signal);
      else await this.#close(record, revision, verdict);
    } catch (error) {
      if (signal.aborted) return;
      this.#options.log.warn(
        { feed, reason: error instanceof Error ? error.message : 'unknown' },
        'a feed could not be polled',
      );
    } finally {
      polled((clock.monotonicMs() - beganMs) / 1_000);
    }
  }

  async #fold(
    record: FeedRecord,
    revision: number,
    response: Awaited<ReturnType<FeedSource['fetch']>> & { kind: 'response' },
    verdict: FeedVerdict & { kind: 'fresh' },
    signal: AbortSignal,
  ): Promise<void> {
    const { store, clock } = this.#options;
    const parsed = await readFeed(this.#options, record, response, signal);
    if (!parsed.ok)
      return this.#close(record, revision, {
        kind: 'failed',
        reason: `the answer could not be read: ${parsed.error}`,
        retryAfterMs: null,
        isLasting: isLastingFault(parsed.fault),
      });
    const { document, movedTo } = parsed.value;
    // By this CAS we fold alone: another poller that read the same feed comes second here, and leaves.
    const claimed = {
      ...record,
      generation: record.generation + 1,
      title: document.title || record.title,
    };
    const claim = await store.casFeed({ ...claimed, nonce: store.newNonce() }, revision);
    if (claim.kind !== 'written') return;
    const listed = await this.#grow(claimed, document);
    // Only now may the next poll answer "unchanged".
    const { etag, lastModified } = parsed.value.response;
    const url = movedTo ?? verdict.movedTo ?? claimed.url;
    const formerUrls = formerUrlsOf(claimed, url);
    const reading = readingOf(document, clock.wallMs());
    await this.#close(
      { ...claimed, etag, lastModified, listed, url, formerUrls, reading },
      claim.revision,
      verdict,
      document.problems,
    );
  }

  /** Writes the episodes that are new; gives how many the feed lists. */
  async #grow(record: FeedRecord, document: FeedDocument): Promise<number> {
    const isKnown = (episode: NewEpisode['episode']) =>
      episodeRow(this.#options.replica.snapshot, record.feed, episode) !== null;
    const { fresh, listed } = foldListing(isKnown, document, record.feed, sha256);
    for (let i = 0; i < fresh.length; i += EPISODES_AT_ONCE) {
      const batch = fresh.slice(i, i + EPISODES_AT_ONCE);
      await Promise.all(batch.map((one) => this.#create(record, one)));
    }
    return listed.size;
  }

  async #create(record: FeedRecord, { episode, item }: NewEpisode): Promise<void> {
    const { store } = this.#options;
    const meta = episodeMetaOf(record.title ?? record.feed, item);
    // First what is known, then the state: a job whose URL nobody knows could not be told to an agent.
    await store.putMeta(record.feed, episode, meta);
    const state = newEpisode(store.cluster(), store.newNonce(), FIRST_REQUEST);
    const written = await store.createEpisode(record.feed, episode, state);
    if (written.kind === 'unknown') throw written.cause;
  }

  async #close(
    record: FeedRecord,
    revision: number,
    verdict: FeedVerdict,
    problems: readonly FeedProblem[] = [],
  ): Promise<void> {
    const { store, clock, policy } = this.#options;
    const nowMs = clock.wallMs();
    const after = {
      ...record,
      ...standing(record, verdict, problems, nowMs, policy.failingAfter),
      nonce: store.newNonce(),
    };
    const retryAfterMs = verdict.kind === 'failed' ? verdict.retryAfterMs : null;
    const next = nextPollMs(
      nowMs,
      policy,
      { failures: after.failures, retryAfterMs },
      this.#options.random(),
    );
    const written = await store.casFeed(
      { ...after, nextPollMs: verdict.kind === 'gone' ? nowMs + NEVER_MS : next },
      revision,
    );
    if (written.kind === 'unknown') throw written.cause;
  }
}

function readingOf({ itemsSeen, pages = 1, problems }: FeedDocument, atMs: number): FeedReading {
  return { atMs, items: itemsSeen, pages, problems: keptProblems(problems) };
}

function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
