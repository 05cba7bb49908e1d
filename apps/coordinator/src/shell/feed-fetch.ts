import { PassThrough, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import {
  basicAuthorization,
  type FeedHop,
  firstHop,
  followRedirect,
  isRedirect,
} from '@podctl/domain/feed/redirect.ts';
import { invariant } from '@podctl/domain/result.ts';
import type { Dispatcher } from 'undici';
import type { FeedFault, FeedOutcome } from '../core/feed-verdict.ts';
import type { BodyRoom } from './body-room.ts';
import { FetchDeadline } from './fetch-deadline.ts';

export interface FeedRequest {
  /** With its secrets. */
  readonly url: string;
  /** From the last success; null asks for the whole feed. */
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** Begin with the fallback User-Agent: the host refused our own before. */
  readonly fallbackAgent?: boolean;
  /** Bounds the memory of all bodies together; absent where it is not shared. */
  readonly room?: BodyRoom;
}

export interface FeedFetchOptions {
  /** Refuses forbidden addresses; called for each hop. */
  readonly dispatcher: Dispatcher;
  readonly userAgent: string;
  /** For a host that answers 403, once; absent: none. */
  readonly fallbackUserAgent?: string | null;
  /** Bytes of the body as sent. */
  readonly wireBytesMax: number;
  /** Bytes of the body decompressed. */
  readonly bytesMax: number;
  /** From the first connection to the last byte, redirects included. */
  readonly totalMs: number;
  /** Without a header or a byte. */
  readonly idleMs: number;
  /** A body that comes slower, for ten seconds, has stalled; absent: no floor. */
  readonly bytesPerSecondMin?: number;
}

const WINDOW_MS = 10_000;

const ACCEPT =
  'application/rss+xml, application/atom+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, */*;q=0.5';

/**
 * Fetches a feed, following redirects one by one. Whatever the network does is an outcome; rejects only with the reason
 * of `signal`. Reasons never hold credentials or a query.
 */
export async function fetchFeed(
  request: FeedRequest,
  options: FeedFetchOptions,
  signal: AbortSignal,
): Promise<FeedOutcome> {
  signal.throwIfAborted();
  const deadline = new FetchDeadline(paceOf(options), (kind) => late(kind, options));
  const way = { request, options, deadline, signal: AbortSignal.any([signal, deadline.signal]) };
  try {
    return await followAs(way, request.fallbackAgent === true);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const cause = deadline.signal.aborted ? deadline.signal.reason : error;
    return { kind: 'failed', ...troubleOf(cause, options) };
  } finally {
    deadline.clear();
  }
}

/** What one fetch goes by. */
interface Way {
  readonly request: FeedRequest;
  readonly options: FeedFetchOptions;
  readonly deadline: FetchDeadline;
  readonly signal: AbortSignal;
}

function paceOf({ totalMs, bytesPerSecondMin = 0 }: FeedFetchOptions) {
  const bytesPerWindowMin = (bytesPerSecondMin * WINDOW_MS) / 1_000;
  return { totalMs, bytesPerWindowMin, windowMs: WINDOW_MS };
}

function late(kind: 'total' | 'trickle', { totalMs, bytesPerSecondMin = 0 }: FeedFetchOptions) {
  return new FetchTrouble(
    'network',
    kind === 'total'
      ? `the feed took longer than ${seconds(totalMs)}`
      : `the host sent less than ${bytesPerSecondMin} bytes a second for ${seconds(WINDOW_MS)}`,
  );
}

/** A host that refuses one name is asked once under the other one. */
async function followAs(way: Way, fallbackFirst: boolean): Promise<FeedOutcome> {
  const { userAgent: own, fallbackUserAgent: fallback = null } = way.options;
  if (fallback === null || fallback === own) return await follow(way, own);
  const names = fallbackFirst ? [fallback, own] : [own, fallback];
  let outcome: FeedOutcome | null = null;
  for (const name of names) {
    outcome = await follow(way, name);
    if (outcome.kind === 'failed') return outcome;
    if (outcome.status !== 403) return { ...outcome, fallbackAgent: name === fallback };
  }
  invariant(outcome !== null, 'a feed is asked for under one name at least');
  return outcome;
}

/** What goes wrong in a way that we can name: the message is a sentence for people. */
class FetchTrouble extends Error {
  readonly fault: FeedFault;
  constructor(fault: FeedFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

async function follow(way: Way, userAgent: string): Promise<FeedOutcome> {
  let chain = firstHop(way.request.url);
  for (;;) {
    const { hop } = chain;
    const response = await ask(hop, way, userAgent);
    const { statusCode: status } = response;
    if (!isRedirect(status)) return await read(response, hop, way);
    await discard(response.body);
    const next = followRedirect(chain, status, header(response, 'location'));
    // `followRedirect` refuses circles and long chains, which ends the loop.
    if (!next.ok) return { kind: 'failed', reason: next.error, fault: 'url' };
    chain = next.value;
  }
}

function ask(
  hop: FeedHop,
  { request, options, signal }: Way,
  userAgent: string,
): Promise<Dispatcher.ResponseData> {
  const headers: Record<string, string> = {
    'user-agent': userAgent,
    accept: ACCEPT,
    'accept-encoding': 'gzip, br',
  };
  if (request.etag !== null) headers['if-none-match'] = request.etag;
  if (request.lastModified !== null) headers['if-modified-since'] = request.lastModified;
  if (hop.credentials !== null) headers.authorization = basicAuthorization(hop.credentials);
  return options.dispatcher.request({
    origin: hop.url.origin,
    path: `${hop.url.pathname}${hop.url.search}`,
    method: 'GET',
    headers,
    headersTimeout: options.idleMs,
    bodyTimeout: options.idleMs,
    signal,
  });
}

async function read(
  response: Dispatcher.ResponseData,
  hop: FeedHop,
  way: Way,
): Promise<FeedOutcome> {
  const { etag, lastModified } = way.request;
  const status = response.statusCode;
  const isBodyWanted = status >= 200 && status <= 299;
  const { body, wireBytes } = isBodyWanted
    ? await readBody(response, way)
    : { body: new Uint8Array(), wireBytes: 0 };
  if (!isBodyWanted) await discard(response.body);
  return {
    kind: 'response',
    status,
    contentType: header(response, 'content-type'),
    retryAfter: header(response, 'retry-after'),
    etag: header(response, 'etag'),
    lastModified: header(response, 'last-modified'),
    finalUrl: hop.url.href,
    movedTo: hop.movedTo,
    body,
    wireBytes,
    conditional: etag !== null || lastModified !== null,
  };
}

async function readBody(
  response: Dispatcher.ResponseData,
  { request, options, deadline, signal }: Way,
): Promise<{ body: Uint8Array; wireBytes: number }> {
  const { wireBytesMax, bytesMax } = options;
  const decoder = decoderOf(response);
  if (decoder === null) {
    await discard(response.body);
    throw new FetchTrouble('document', 'the host sent a content encoding that was not asked for');
  }
  deadline.body();
  const wire = new ByteLimit(
    wireBytesMax,
    `the feed has more than ${wireBytesMax} bytes`,
    deadline,
  );
  const whole = new ByteLimit(bytesMax, `the feed has more than ${bytesMax} bytes decompressed`);
  const chunks: Uint8Array[] = [];
  const collect = async (source: AsyncIterable<Uint8Array>) => {
    for await (const chunk of source) {
      const wait = request.room?.grow(whole.bytes, signal) ?? null;
      if (wait !== null) await ownWait(wait, deadline);
      chunks.push(chunk);
    }
  };
  await pipeline(response.body, wire, decoder, whole, collect, { signal });
  return { body: Buffer.concat(chunks), wireBytes: wire.bytes };
}

/** It is not the host's fault. */
async function ownWait(wait: Promise<void>, deadline: FetchDeadline): Promise<void> {
  deadline.pause();
  await wait;
  deadline.resume();
}

/** Lets so many bytes through, and fails at the next one. */
class ByteLimit extends Transform {
  bytes = 0;
  constructor(bytesMax: number, trouble: string, deadline?: FetchDeadline) {
    super({
      transform: (chunk: Buffer, _encoding, done) => {
        this.bytes += chunk.byteLength;
        deadline?.received(chunk.byteLength);
        if (this.bytes > bytesMax) done(new FetchTrouble('size', `${trouble}, the limit`));
        else done(null, chunk);
      },
    });
  }
}

function decoderOf(response: Dispatcher.ResponseData): Transform | null {
  const encoding = (header(response, 'content-encoding') ?? '').trim().toLowerCase();
  switch (encoding) {
    case '':
    case 'identity':
      return new PassThrough();
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'br':
      return createBrotliDecompress();
    default:
      return null;
  }
}

/** Reads a little, so that the connection can be used again, and gives up on more. */
async function discard(body: Dispatcher.ResponseData['body']): Promise<void> {
  try {
    await body.dump({ limit: 65_536 });
  } catch {
    // The status is known, which is all that was wanted.
  }
}

function header(response: Dispatcher.ResponseData, name: string): string | null {
  const value = response.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

interface Trouble {
  /** One sentence for people, without the URL. */
  readonly reason: string;
  readonly fault: FeedFault;
}

function troubleOf(error: unknown, options: FeedFetchOptions): Trouble {
  if (error instanceof FetchTrouble) return { reason: error.message, fault: error.fault };
  const [first] = error instanceof AggregateError ? error.errors : [error];
  if (!(first instanceof Error)) return passing('the feed could not be fetched');
  switch ('code' in first ? first.code : null) {
    case 'ADDRESS_REFUSED':
      return { reason: first.message, fault: 'address' };
    case 'ERR_INVALID_URL':
    case 'UND_ERR_INVALID_ARG':
      return {
        reason: 'the URL is not one of a feed: it must begin with http:// or https://',
        fault: 'url',
      };
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return passing(`the host sent nothing for ${seconds(options.idleMs)}`);
    case 'UND_ERR_CONNECT_TIMEOUT':
      return passing('the host did not take the connection in time');
    case 'ENOTFOUND':
      return passing('the name of the host is not known: check the URL');
    case 'EAI_AGAIN':
      return passing('the name of the host could not be looked up: the name server did not answer');
    case 'ECONNREFUSED':
      return passing('the host refused the connection');
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
      return passing('the connection broke off');
    case 'Z_DATA_ERROR':
    case 'Z_BUF_ERROR':
      return passing('the body is not what its content encoding says, or was cut off');
    default:
      return passing(`the feed could not be fetched: ${withoutUrls(first.message)}`);
  }
}

function passing(reason: string): Trouble {
  return { reason, fault: 'network' };
}

function withoutUrls(text: string): string {
  return text.replace(/https?:\/\/\S+/gi, '(URL)');
}

function seconds(ms: number): string {
  return `${ms / 1_000} s`;
}
