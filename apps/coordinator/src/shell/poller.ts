import type { FeedDocument } from '@podctl/domain/feed/feed-document.ts';
import { type PollPolicy, parseRetryAfterMs } from '@podctl/domain/feed/poll.ts';
import type { PollCame } from '@podctl/domain/feed/polling.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { otherFeedAt } from '../core/feed-address.ts';
import type { FeedOutcome } from '../core/feed-verdict.ts';
import { type PollResult, recordAfterPoll } from '../core/poll-end.ts';
import type { DueFeed } from '../core/poll-queue.ts';
import { breakText, settledDocument } from '../core/settled-document.ts';
import { BodyRooms } from './body-room.ts';
import { FeedFold, hasUnseenHosts } from './feed-fold.ts';
import { sha256 } from './feed-ledger.ts';
import type { FeedSource } from './feed-source.ts';
import type { FreshUrls } from './fresh-urls.ts';
import type { Logger } from './logger.ts';
import type { ReadingChoices } from './paged-feed.ts';
import { PollRounds } from './poll-rounds.ts';
import { type PolledFeed, readFeed } from './polled-feed.ts';
import type { Replica } from './replica.ts';
import { type Store, UnreadableValue } from './store.ts';

export interface PollerOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly replica: Replica;
  readonly feeds: FeedSource;
  readonly urls?: FreshUrls | undefined;
  readonly policy: PollPolicy;
  readonly itemsMax: number;
  readonly reading: ReadingChoices;
  readonly log: Logger;
  random(): number;
  /** How long a poll took, and what came of it; null when it was called off, or could not be written. */
  polled(seconds: number, came: PollCame | null): void;
}

/** A record may be changed by people while its feed is polled. */
const CLOSES_MAX = 4;

/** Fetches the feeds that are due and folds what they list into the ledger, which only ever grows. Leader only. */
export class Poller extends PollRounds {
  readonly #options: PollerOptions;
  readonly #rooms = new BodyRooms();
  readonly #folding: FeedFold;

  constructor(options: PollerOptions) {
    super(options);
    this.#options = options;
    this.#folding = new FeedFold(options);
  }

  protected override async poll(
    due: DueFeed,
    whole: boolean,
    fetched: () => void,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { clock, polled } = this.#options;
    const beganMs = clock.monotonicMs();
    let came: PollCame | null = null;
    const room = this.#rooms.open();
    const heard = (outcome: FeedOutcome) => this.#heard(due, outcome, fetched);
    try {
      // As it was folded: the CAS that ends the poll finds out whether it is the newest.
      const row = this.#options.replica.snapshot.feeds.get(due.feed);
      if (row === undefined || row.record === null || row.record.removed === true) return true;
      const { record, revision } = row;
      const isUnseen = hasUnseenHosts(record, this.#options.replica.snapshot);
      const ask = { whole: whole || isUnseen, room, fetched: heard };
      const nowMs = () => clock.wallMs();
      const reading = await readFeed({ ...this.#options, nowMs }, record, ask, signal);
      came =
        reading.kind === 'document'
          ? await this.#foldOrSay(record, revision, reading)
          : await this.#close(record, revision, this.#resultOf(record, reading));
      return true;
    } catch (error) {
      if (signal.aborted) return true;
      this.#options.log.warn(
        { feed: due.feed, reason: error instanceof Error ? error.message : 'unknown' },
        'a feed could not be polled',
      );
      return false;
    } finally {
      room.leave();
      polled((clock.monotonicMs() - beganMs) / 1_000, came);
    }
  }

  /** A host that is asked too often, or is overloaded, has its other feeds left alone as well. */
  #heard({ host }: DueFeed, outcome: FeedOutcome, fetched: () => void): void {
    if (outcome.kind === 'response' && (outcome.status === 429 || outcome.status === 503)) {
      const retryAfterMs = parseRetryAfterMs(outcome.retryAfter, this.#options.clock.wallMs());
      this.cool(host, retryAfterMs);
    }
    fetched();
  }

  /** What is known of its episodes and cannot be read is never overwritten: that is shown as the feed's trouble. */
  async #foldOrSay(
    record: FeedRecord,
    revision: number,
    reading: PolledFeed & { kind: 'document' },
  ): Promise<PollCame | null> {
    try {
      return await this.#fold(record, revision, reading);
    } catch (error) {
      if (!(error instanceof UnreadableValue)) throw error;
      const reason = `it was read, but what is known of its episodes cannot be (${error.message}): bring all coordinators to the newest version`;
      const verdict = { kind: 'failed', reason, retryAfterMs: null, isLasting: true } as const;
      const came = await this.#close(record, revision, {
        ...this.#resultOf(record, reading),
        ...{ verdict, url: record.url, remark: null },
      });
      if (came === null) throw error;
      return came;
    }
  }

  async #fold(
    record: FeedRecord,
    revision: number,
    reading: PolledFeed & { kind: 'document' },
  ): Promise<PollCame | null> {
    const { response } = reading;
    const { document, brokeOff } = this.#settled(record, reading.document);
    const folded = await this.#folding.fold(record, revision, document);
    if (folded === null) return null;
    // Only now may the next poll answer "unchanged".
    const { listed, fresh, ledger, isUnfinished } = folded;
    const { etag, lastModified } = response;
    const kept = { etag, lastModified, listed, fresh, ledger };
    const read = { document, brokeOff, isUnfinished, ...kept };
    const result = { ...this.#resultOf(folded.record, reading), read };
    return this.#close(folded.record, folded.revision, result);
  }

  #settled({ reading }: FeedRecord, document: FeedDocument) {
    const mark = sha256(breakText(document)).toString('base64url');
    return settledDocument(document, reading?.brokeOff, mark, this.#options.clock.wallMs());
  }

  /** What a poll came to, but for what it read. A feed does not move to where another one is. */
  #resultOf(record: FeedRecord, reading: PolledFeed): PollResult {
    const verdict =
      reading.kind === 'document'
        ? ({ kind: 'fresh', movedTo: reading.movedTo } as const)
        : reading.verdict;
    const movedTo = 'movedTo' in verdict ? verdict.movedTo : null;
    const other =
      movedTo === null ? null : otherFeedAt(this.#options.replica.snapshot, movedTo, record.feed);
    return {
      verdict,
      read: null,
      url: movedTo === null || other !== null ? record.url : movedTo,
      remark:
        other === null
          ? null
          : `it moved to where feed ${other} is, so both list the same: remove one of them`,
      fallbackAgent:
        reading.kind === 'document'
          ? (reading.response.fallbackAgent ?? false)
          : reading.fallbackAgent,
    };
  }

  /**
   * Writes what a poll came to over what the record says now: a choice that somebody made meanwhile stays. Gives what came
   * of it; null when the feed was removed, moved by hand, or folded by somebody else meanwhile.
   */
  async #close(polled: FeedRecord, revision: number, result: PollResult): Promise<PollCame | null> {
    const { store, clock, policy, random } = this.#options;
    let at = { record: polled, revision };
    for (let tries = 0; tries < CLOSES_MAX; tries += 1) {
      const nowMs = clock.wallMs();
      const after = recordAfterPoll(at.record, result, policy, polled, nowMs, random());
      const written = await store.casFeed({ ...after, nonce: store.newNonce() }, at.revision);
      if (written.kind === 'unknown') throw written.cause;
      if (written.kind === 'written') return after.polling?.came ?? null;
      const { record, ...read } = await store.readFeed(polled.feed);
      if (record === null || !isStill(polled, record)) return null;
      at = { ...read, record };
    }
    return null;
  }
}

/** Whether it is the same feed, as it was when it was polled, but for what people choose. */
function isStill(polled: FeedRecord, { removed, url, generation }: FeedRecord): boolean {
  return removed !== true && url === polled.url && generation === polled.generation;
}
