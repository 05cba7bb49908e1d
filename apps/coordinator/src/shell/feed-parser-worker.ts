import { parentPort } from 'node:worker_threads';
import type { FeedDocument } from '@podctl/domain/feed/feed-document.ts';
import { FeedReader } from '@podctl/domain/feed/feed-reader.ts';
import type { Result } from '@podctl/domain/result.ts';
import { readXml } from '@podctl/platform/xml.ts';

/** What the parser's thread is asked, one at a time. */
export interface ParseRequest {
  readonly bytes: Uint8Array;
  readonly contentType: string | null;
  readonly feedUrl: string;
  readonly nowMs: number;
}

export type ParseReply = Result<FeedDocument, string>;

parentPort?.on('message', (request: ParseRequest) => {
  const reply: ParseReply = readXml(request.bytes, request.contentType, new FeedReader(request));
  parentPort?.postMessage(reply);
});
