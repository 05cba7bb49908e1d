import { createHash } from 'node:crypto';
import {
  basicAuthorization,
  firstHop,
  followRedirect,
  type RedirectChain,
} from '@podctl/domain/feed/redirect.ts';
import { type HostName, hostAt } from '@podctl/domain/host-name.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { AddressRefused } from '@podctl/platform/address-guard.ts';
import { type Dispatcher, request } from 'undici';
import { type DownloadFault, judgeAnswer } from '../core/http-answer.ts';
import { isEncoded, parseContentRange, whyNotResume } from '../core/range-answer.ts';
import { strongValidator, type Validator } from '../core/validator.ts';
import { BodyChunks } from './body-chunks.ts';
import { decoderOf } from './content-decoder.ts';

export interface HttpAudioOptions {
  /** Refuses addresses that may not be reached; also for each redirect. */
  readonly dispatcher: Dispatcher;
  readonly userAgent: string;
  /** No byte for so long: a stall. */
  readonly idleMs: number;
  readonly nowMs: number;
  readonly signal: AbortSignal;
  /** What is asked for where it is not audio. */
  readonly accept?: string;
}

/** The rest of a part is asked for first; a host that has another file now is asked for all of it. */
export interface ResumeWish {
  readonly offsetBytes: number;
  readonly totalBytes: number | null;
  readonly validator: Validator;
  /** As `HttpAudio.place`. */
  readonly place: string;
}

/** A body that has begun to come. */
export interface HttpAudio {
  /** Decoded where the host encoded it all the same. */
  readonly chunks: AsyncIterator<Uint8Array, undefined>;
  /** Where in the whole the body begins: 0, or the wish's offset. */
  readonly startBytes: number;
  /** Of the whole, as the host says; null when it does not, or what comes is encoded. */
  readonly lengthBytes: number | null;
  readonly etag: string | null;
  /** By which a part of it can be completed; null: it cannot. */
  readonly validator: Validator | null;
  /** SHA-256 of the final URL's origin and path, without what may be a secret. */
  readonly place: string;
  /** That sends it, behind all redirects. */
  readonly host: HostName | null;
  /** Frees the connection; safe at any time. */
  close(): void;
}

/** GETs audio through its redirects. Expected failures are faults; an abort rejects with the signal's reason. */
export async function openHttpAudio(
  url: string,
  options: HttpAudioOptions,
  wish: ResumeWish | null = null,
): Promise<Result<HttpAudio, DownloadFault>> {
  if (URL.parse(url) === null) return err(fault('bad_url', 'The URL of the audio is none.'));
  const resumed = wish === null ? null : await follow(url, options, wish);
  return resumed ?? (await follow(url, options, null)) ?? err(fault('range', RANGE_WORDS));
}

const RANGE_WORDS = 'The host sent a part of the audio where all of it was asked for.';

const ACCEPT = 'audio/*, video/*;q=0.9, */*;q=0.8';

/** Null when the wish cannot be had. */
async function follow(
  url: string,
  options: HttpAudioOptions,
  wish: ResumeWish | null,
): Promise<Result<HttpAudio, DownloadFault> | null> {
  let chain = firstHop(url);
  const isPrivate = chain.hop.credentials !== null;
  for (;;) {
    const { url: at } = chain.hop;
    const answered = await ask(chain, options, wish);
    if (!answered.ok) return err({ ...answered.error, host: hostAt(at) });
    const verdict = judge(answered.value, at, options, wish);
    if (verdict.kind === 'audio') return ok(verdict.audio);
    answered.value.body.destroy();
    if (verdict.kind === 'restart') return null;
    if (verdict.kind === 'fault') return err({ ...verdict.fault, host: hostAt(at) });
    const next = nextHop(chain, answered.value, isPrivate);
    if (!next.ok) return next;
    chain = next.value;
  }
}

/** Hosts do lead from https to http, and audio is checked all the same; what somebody pays for is not asked for in the clear. */
function nextHop(
  chain: RedirectChain,
  { statusCode, headers }: Dispatcher.ResponseData,
  isPrivate: boolean,
): Result<RedirectChain, DownloadFault> {
  const { url: from } = chain.hop;
  const next = followRedirect(chain, statusCode, header(headers, 'location'));
  if (!next.ok) return err(refused(next.error, from));
  const isDowngrade = from.protocol === 'https:' && next.value.hop.url.protocol === 'http:';
  return isPrivate && isDowngrade
    ? err(refused('the host of a private feed redirects from https to http', from))
    : next;
}

function refused(reason: string, at: URL): DownloadFault {
  return { ...fault('redirect', `The audio was not reached: ${reason}.`), host: hostAt(at) };
}

type Verdict =
  | { readonly kind: 'audio'; readonly audio: HttpAudio }
  | { readonly kind: 'redirect' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'fault'; readonly fault: DownloadFault };

function judge(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  url: URL,
  { nowMs }: HttpAudioOptions,
  wish: ResumeWish | null,
): Verdict {
  // Destroying a body that has not ended is an error to its stream; it is ours, and no news.
  body.on('error', () => undefined);
  const one = (name: string) => header(headers, name);
  const contentRange = one('content-range');
  const contentEncoding = one('content-encoding');
  const said = { etag: one('etag'), lastModified: one('last-modified'), date: one('date') };
  const close = () => void body.destroy();
  const place = placeOf(url);
  const common = { etag: said.etag, place, host: hostAt(url), close };
  if (wish !== null && NO_RANGES.includes(statusCode)) return { kind: 'restart' };
  if (wish !== null && statusCode === 206) {
    const fits = whyNotResume(wish, { ...said, contentRange, contentEncoding }) === null;
    if (!fits || place !== wish.place) return { kind: 'restart' };
    const { offsetBytes: startBytes, validator } = wish;
    const lengthBytes = parseContentRange(contentRange)?.totalBytes ?? null;
    return {
      kind: 'audio',
      audio: { ...common, chunks: new BodyChunks(body), startBytes, lengthBytes, validator },
    };
  }
  const answer = judgeAnswer(
    statusCode,
    { contentLength: one('content-length'), retryAfter: one('retry-after'), contentRange },
    nowMs,
  );
  if (answer.kind !== 'body') return answer;
  if (!isEncoded(contentEncoding)) {
    const { lengthBytes } = answer;
    const validator = strongValidator(said, nowMs);
    return {
      kind: 'audio',
      audio: { ...common, chunks: new BodyChunks(body), startBytes: 0, lengthBytes, validator },
    };
  }
  const decoded = decoderOf(contentEncoding, body);
  if (decoded === null) return { kind: 'fault', fault: fault('encoding', ENCODING_WORDS) };
  return {
    kind: 'audio',
    audio: {
      ...common,
      chunks: new BodyChunks(decoded),
      startBytes: 0,
      lengthBytes: null,
      validator: null,
    },
  };
}

/** What hosts answer that do not care for such a question; without the range they may have the whole. */
const NO_RANGES: readonly number[] = [400, 412, 416, 501];

const ENCODING_WORDS =
  'The host sent the audio in an encoding that is not known, and was not asked for.';

function header(headers: Dispatcher.ResponseData['headers'], name: string): string | null {
  return [headers[name] ?? []].flat()[0] ?? null;
}

function placeOf({ origin, pathname }: URL): string {
  return createHash('sha256').update(`${origin}${pathname}`).digest('hex');
}

/** What a connection or a body that broke off means. */
export function networkFault(error: unknown): DownloadFault {
  const { code, words, isRefused } = causeOf(error);
  // Not final: names change their addresses, and people their settings.
  if (isRefused) return fault('address_refused', `The audio was not fetched: ${words}.`);
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
    return fault('stalled', 'The host stopped sending; the download stalled.');
  if (
    code.startsWith('Z_') ||
    code.startsWith('ERR_BROTLI') ||
    code.startsWith('ERR__ERROR_FORMAT')
  )
    return fault('encoding', 'What the host sent is not in the encoding that it names.');
  return fault('network', `The download broke off: ${words}.`);
}

export function fault(code: string, reason: string): DownloadFault {
  return { code, reason, retryAfterMs: null, final: false, host: null, status: null };
}

async function ask(
  chain: RedirectChain,
  options: HttpAudioOptions,
  wish: ResumeWish | null,
): Promise<Result<Dispatcher.ResponseData, DownloadFault>> {
  const { url, credentials } = chain.hop;
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return err(
      fault('bad_url', `The URL of the audio is ${url.protocol}; only http and https are fetched.`),
    );
  const { dispatcher, userAgent, idleMs, signal, accept = ACCEPT } = options;
  try {
    return ok(
      await request(url, {
        dispatcher,
        headersTimeout: idleMs,
        bodyTimeout: idleMs,
        signal,
        headers: {
          'user-agent': userAgent,
          accept,
          // A length is only worth something without compression, which audio does not gain from.
          'accept-encoding': 'identity',
          ...(credentials === null ? {} : { authorization: basicAuthorization(credentials) }),
          ...(wish === null
            ? {}
            : { range: `bytes=${wish.offsetBytes}-`, 'if-range': wish.validator.value }),
        },
      }),
    );
  } catch (error) {
    signal.throwIfAborted();
    return err(networkFault(error));
  }
}

/** The innermost cause, whose words say most. */
function causeOf(error: unknown): { code: string; words: string; isRefused: boolean } {
  let inner = error;
  for (
    let depth = 0;
    depth < 5 && inner instanceof Error && inner.cause instanceof Error;
    depth += 1
  )
    inner = inner.cause;
  if (!(inner instanceof Error)) return { code: '', words: String(inner), isRefused: false };
  const code = 'code' in inner && typeof inner.code === 'string' ? inner.code : '';
  const isRefused = inner instanceof AddressRefused;
  return { code, words: inner.message === '' ? code : inner.message, isRefused };
}
