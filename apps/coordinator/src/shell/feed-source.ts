import type { Service } from '@podctl/platform/service.ts';
import type { FeedOutcome } from '../core/feed-verdict.ts';
import { type FeedFetchOptions, type FeedRequest, fetchFeed } from './feed-fetch.ts';
import { FEED_PARSER_LIMITS, FeedParser, type ParseOutcome } from './feed-parser.ts';
import type { ParseRequest } from './feed-parser-worker.ts';

/** Where feeds are read, as a port: HTTP and a thread do not run on virtual time. */
export interface FeedSource extends Service {
  /** Whatever the network does is an outcome; rejects only with the reason of `signal`. */
  fetch(request: FeedRequest, signal: AbortSignal): Promise<FeedOutcome>;
  parse(request: ParseRequest, signal: AbortSignal): Promise<ParseOutcome>;
}

/** Over HTTP, parsed on a thread of its own. */
export class WebFeeds implements FeedSource {
  readonly name = 'feeds';
  readonly #options: FeedFetchOptions;
  readonly #parser: FeedParser;

  constructor(options: FeedFetchOptions) {
    const { bytesMax } = options;
    this.#options = options;
    this.#parser = new FeedParser({ ...FEED_PARSER_LIMITS, bytesMax });
  }

  start(): Promise<void> {
    return this.#parser.start();
  }

  stop(): Promise<void> {
    return this.#parser.stop();
  }

  fetch(request: FeedRequest, signal: AbortSignal): Promise<FeedOutcome> {
    return fetchFeed(request, this.#options, signal);
  }

  parse(request: ParseRequest, signal: AbortSignal): Promise<ParseOutcome> {
    return this.#parser.parseFeed(request, signal);
  }
}
