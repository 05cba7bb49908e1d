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

export interface HttpAudioOptions {
  /** Refuses addresses that may not be reached; also for each redirect. */
  readonly dispatcher: Dispatcher;
  readonly userAgent: string;
  /** No byte for so long: a stall. */
  readonly idleMs: number;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** A body that has begun to come. */
export interface HttpAudio {
  readonly body: AsyncIterable<Uint8Array>;
  /** As the host says; null when it does not. */
  readonly lengthBytes: number | null;
  readonly etag: string | null;
  /** That sends it, behind all redirects. */
  readonly host: HostName | undefined;
  /** Frees the connection; safe at any time. */
  close(): void;
}

/** GETs audio through its redirects. Expected failures are faults; an abort rejects with the signal's reason. */
export async function openHttpAudio(
  url: string,
  options: HttpAudioOptions,
): Promise<Result<HttpAudio, DownloadFault>> {
  if (URL.parse(url) === null) return err(fault('bad_url', 'The URL of the audio is none.'));
  let chain = firstHop(url);
  for (;;) {
    const answered = await ask(chain, options);
    if (!answered.ok) return answered;
    const { statusCode, headers, body } = answered.value;
    // Destroying a body that has not ended is an error to its stream; it is ours, and no news.
    body.on('error', () => undefined);
    const host = hostAt(chain.hop.url) ?? undefined;
    const header = (name: string) => [headers[name] ?? []].flat()[0] ?? null;
    const answer = judgeAnswer(
      statusCode,
      { contentLength: header('content-length'), retryAfter: header('retry-after') },
      options.nowMs,
    );
    if (answer.kind === 'body') {
      const close = () => void body.destroy();
      const { lengthBytes } = answer;
      return ok({ body, lengthBytes, etag: header('etag'), host, close });
    }
    body.destroy();
    if (answer.kind === 'fault') return err({ ...answer.fault, host });
    const next = followRedirect(chain, statusCode, header('location'));
    if (!next.ok) return err(fault('redirect', `The audio was not reached: ${next.error}.`));
    chain = next.value;
  }
}

/** What a connection or a body that broke off means. */
export function networkFault(error: unknown): DownloadFault {
  const { code, words, isRefused } = causeOf(error);
  // Not final: names change their addresses, and people their settings.
  if (isRefused) return fault('address_refused', `The audio was not fetched: ${words}.`);
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
    return fault('stalled', 'The host stopped sending; the download stalled.');
  return fault('network', `The download broke off: ${words}.`);
}

export function fault(code: string, reason: string): DownloadFault {
  return { code, reason, retryAfterMs: null, final: false };
}

async function ask(
  chain: RedirectChain,
  options: HttpAudioOptions,
): Promise<Result<Dispatcher.ResponseData, DownloadFault>> {
  const { url, credentials } = chain.hop;
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return err(
      fault('bad_url', `The URL of the audio is ${url.protocol}; only http and https are fetched.`),
    );
  const { dispatcher, userAgent, idleMs, signal } = options;
  try {
    return ok(
      await request(url, {
        dispatcher,
        headersTimeout: idleMs,
        bodyTimeout: idleMs,
        signal,
        headers: {
          'user-agent': userAgent,
          accept: 'audio/*, video/*;q=0.9, */*;q=0.8',
          // A length is only worth something without compression, which audio does not gain from.
          'accept-encoding': 'identity',
          ...(credentials === null ? {} : { authorization: basicAuthorization(credentials) }),
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
