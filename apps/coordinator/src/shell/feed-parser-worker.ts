import { parentPort } from 'node:worker_threads';
import type { Medium } from '@podctl/domain/feed/enclosure.ts';
import {
  FEED_LIMITS,
  type FeedDocument,
  type FeedItem,
} from '@podctl/domain/feed/feed-document.ts';
import { FeedReader } from '@podctl/domain/feed/feed-reader.ts';
import { readXml } from '@podctl/domain/feed/read-xml.ts';

/** What the parser's thread is asked, one at a time. */
export interface ParseRequest {
  /** Of a large document they are handed over: the caller has them no more. */
  readonly bytes: Uint8Array;
  readonly contentType: string | null;
  readonly feedUrl: string;
  readonly nowMs: number;
  /** Episodes that are read; what follows is left out, and said. */
  readonly itemsMax: number;
  /** What counts as an episode; audio alone unless told. */
  readonly media?: readonly Medium[];
}

/** `more`: the next items of the document that was parsed last. */
export type ParserAsk =
  | { readonly kind: 'parse'; readonly request: ParseRequest }
  | { readonly kind: 'more' };

/** A document comes without its items, which follow in pieces, each when it is asked for. */
export type ParserReply =
  | { readonly kind: 'document'; readonly document: FeedDocument }
  | { readonly kind: 'items'; readonly items: readonly FeedItem[]; readonly isLast: boolean }
  | { readonly kind: 'failed'; readonly error: string };

/** Of one piece: to read it in takes the coordinator's loop a few milliseconds. */
const PIECE_ITEMS = 250;
const PIECE_CHARACTERS = 500_000;

let items: readonly FeedItem[] = [];
let told = 0;

function reply(message: ParserReply): void {
  parentPort?.postMessage(message);
}

function parse({ bytes, contentType, itemsMax, ...options }: ParseRequest): void {
  const reader = new FeedReader({ ...options, limits: { ...FEED_LIMITS, itemsMax } });
  const read = readXml(bytes, contentType, reader);
  items = read.ok ? read.value.items : [];
  told = 0;
  reply(
    read.ok
      ? { kind: 'document', document: { ...read.value, items: [] } }
      : { kind: 'failed', error: read.error },
  );
}

function tellMore(): void {
  const from = told;
  for (let characters = 0; told < items.length && told - from < PIECE_ITEMS; told++) {
    if (characters > PIECE_CHARACTERS) break;
    characters += charactersOf(items[told]);
  }
  const isLast = told >= items.length;
  reply({ kind: 'items', items: items.slice(from, told), isLast });
  if (isLast) items = [];
}

function charactersOf(item: FeedItem | undefined): number {
  if (item === undefined) return 0;
  const offered = (item.transcripts ?? []).reduce((sum, { url }) => sum + url.length, 0);
  return item.key.length + item.title.length + item.enclosureUrl.length + offered;
}

parentPort?.on('message', (ask: ParserAsk) => {
  switch (ask.kind) {
    case 'parse':
      parse(ask.request);
      return;
    case 'more':
      tellMore();
      return;
  }
});
