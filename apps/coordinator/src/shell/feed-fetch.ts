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
import type { Dispatcher } from 'undici';
import type { FeedFault, FeedOutcome } from '../core/feed-verdict.ts';

export interface FeedRequest {
  /** With its secrets. */
  readonly url: string;
  /** From the last success; null asks for the whole feed. */
  readonly etag: string | null;
  readonly lastModified: string | null;
}

export interface FeedFetchOptions {
  /** Refuses forbidden addresses; called for each hop. */
  readonly dispatcher: Dispatcher;
  readonly userAgent: string;
  /** Bytes of the body as sent. */
  readonly wireBytesMax: number;
  /** Bytes of the body decompressed. */
  readonly bytesMax: number;
  /** From the first connection to the last byte, redirects included. */
  readonly totalMs: number;
  /** Without a header or a byte. */
  readonly idleMs: number;
}

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
  const deadline = new AbortController();
  const timer = setTimeout(
    () =>
      deadline.abort(
        new FetchTrouble('network', `the feed took longer than ${seconds(options.totalMs)}`),
      ),
    options.totalMs,
  );
  try {
    return await follow(request, options, AbortSignal.any([signal, deadline.signal]));
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const cause = deadline.signal.aborted ? deadline.signal.reason : error;
    return { kind: 'failed', ...troubleOf(cause, options) };
  } finally {
    clearTimeout(timer);
  }
}

/** What goes wrong in a way that we can name: the message is a sentence for people. */
class FetchTrouble extends Error {
  readonly fault: FeedFault;
  constructor(fault: FeedFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

async function follow(
  request: FeedRequest,
  options: FeedFetchOptions,
  signal: AbortSignal,
): Promise<FeedOutcome> {
  let chain = firstHop(request.url);
  for (;;) {
    const { hop } = chain;
    const response = await ask(hop, request, options, signal);
    const { statusCode: status } = response;
    if (!isRedirect(status)) return await read(response, hop, options, signal);
    await discard(response.body);
    const next = followRedirect(chain, status, header(response, 'location'));
    // `followRedirect` refuses circles and long chains, which ends the loop.
    if (!next.ok) return { kind: 'failed', reason: next.error, fault: 'url' };
    chain = next.value;
  }
}

function ask(
  hop: FeedHop,
  request: FeedRequest,
  options: FeedFetchOptions,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  const headers: Record<string, string> = {
    'user-agent': options.userAgent,
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
  options: FeedFetchOptions,
  signal: AbortSignal,
): Promise<FeedOutcome> {
  const status = response.statusCode;
  const isBodyWanted = status >= 200 && status <= 299;
  const { body, wireBytes } = isBodyWanted
    ? await readBody(response, options, signal)
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
  };
}

async function readBody(
  response: Dispatcher.ResponseData,
  options: FeedFetchOptions,
  signal: AbortSignal,
): Promise<{ body: Uint8Array; wireBytes: number }> {
  const { wireBytesMax, bytesMax } = options;
  const wire = new ByteLimit(wireBytesMax, `the feed has more than ${wireBytesMax} bytes`);
  const whole = new ByteLimit(bytesMax, `the feed has more than ${bytesMax} bytes decompressed`);
  const chunks: Uint8Array[] = [];
  const collect = async (source: AsyncIterable<Uint8Array>) => {
    for await (const chunk of source) chunks.push(chunk);
  };
  const decoder = decoderOf(response);
  if (decoder === null) {
    await discard(response.body);
    throw new FetchTrouble('document', 'the host sent a content encoding that was not asked for');
  }
  await pipeline(response.body, wire, decoder, whole, collect, { signal });
  return { body: Buffer.concat(chunks), wireBytes: wire.bytes };
}

/** Lets so many bytes through, and fails at the next one. */
class ByteLimit extends Transform {
  bytes = 0;
  constructor(bytesMax: number, trouble: string) {
    super({
      transform: (chunk: Buffer, _encoding, done) => {
        this.bytes += chunk.byteLength;
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
