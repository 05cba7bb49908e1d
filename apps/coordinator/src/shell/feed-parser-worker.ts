import { parentPort } from 'node:worker_threads';
import { FEED_LIMITS, type FeedDocument } from '@podctl/domain/feed/feed-document.ts';
import { FeedReader } from '@podctl/domain/feed/feed-reader.ts';
import { readXml } from '@podctl/domain/feed/read-xml.ts';
import type { Result } from '@podctl/domain/result.ts';

/** What the parser's thread is asked, one at a time. */
export interface ParseRequest {
  readonly bytes: Uint8Array;
  readonly contentType: string | null;
  readonly feedUrl: string;
  readonly nowMs: number;
  /** Episodes that are read; what follows is left out, and said. */
  readonly itemsMax: number;
}

export type ParseReply = Result<FeedDocument, string>;

parentPort?.on('message', (request: ParseRequest) => {
  const { bytes, contentType, feedUrl, nowMs, itemsMax } = request;
  const limits = { ...FEED_LIMITS, itemsMax };
  const reply: ParseReply = readXml(bytes, contentType, new FeedReader({ feedUrl, nowMs, limits }));
  parentPort?.postMessage(reply);
});
