import type { EngineFailure } from './engine-failure.ts';

/** What a server answered that was asked to transcribe. */
export interface EndpointAnswer {
  readonly status: number;
  /** The server's own time to wait, as it was read; null: none was told. */
  readonly retryAfterMs: number | null;
  /** Its own words for people, without secrets; empty: none. */
  readonly words: string;
}

export type EndpointVerdict =
  | { readonly kind: 'heard' }
  /** Worth another try after a while, and `failure` once there have been enough of them. */
  | { readonly kind: 'again'; readonly waitMs?: number; readonly failure: EngineFailure }
  | { readonly kind: 'failed'; readonly failure: EngineFailure };

export interface EndpointNames {
  /** The server's address, without secrets. */
  readonly url: string;
  readonly model: string;
  readonly uploadBytesMax: number;
}

/** A limit of the server's is not gone within a try or two: what names a longer time is not waited for in a job. */
export const RETRY_WAIT_MS_MAX = 60_000;
/** The longest that a server may keep an engine from work; then it is asked again. */
export const REST_MS_MAX = 3_600_000;

export function judgeEndpointAnswer(
  { status, retryAfterMs, words }: EndpointAnswer,
  { url, model, uploadBytesMax }: EndpointNames,
): EndpointVerdict {
  const said = words === '' ? '' : ` (${words.replace(/[\s.]+$/, '')})`;
  const failed = (code: EngineFailure['code'], message: string): EndpointVerdict => ({
    kind: 'failed',
    failure: { code, message },
  });
  const wait = retryAfterMs === null ? {} : { waitMs: retryAfterMs };
  if (status >= 200 && status < 300) return { kind: 'heard' };
  switch (status) {
    case 401:
    case 403:
      // Without its words: they may repeat a part of the token.
      return failed(
        'endpoint_refused',
        `${url} refused the token (${status}); correct transcribe.openai.tokenFile, or what the token may do there.`,
      );
    case 404:
      return /model/i.test(words)
        ? failed('model_missing', `${url} has no model ${model}${said}; choose one that it has.`)
        : failed(
            'endpoint_refused',
            `${url} answered 404${said}; transcribe.openai.url is what stands before /audio/transcriptions, such as "http://127.0.0.1:8000/v1".`,
          );
    case 413:
      return failed(
        'audio_too_large',
        `${url} takes no audio of this size${said}; set transcribe.openai.uploadMax, now ${uploadBytesMax} bytes, to what it takes.`,
      );
    case 429:
    case 503:
      return {
        kind: 'again',
        ...wait,
        failure: { code: 'endpoint_busy', message: `${url} asks for patience (${status})${said}.` },
      };
  }
  if (status >= 500 || status === 408 || status === 409)
    return {
      kind: 'again',
      ...wait,
      failure: { code: 'endpoint_failed', message: `${url} failed with ${status}${said}.` },
    };
  if (status >= 300 && status < 400)
    return failed(
      'endpoint_refused',
      `${url} sends elsewhere (${status}); give the final address in transcribe.openai.url.`,
    );
  return failed('bad_request', `${url} would not take the request (${status})${said}.`);
}

const WORDS_MAX = 200;
/** Far more than is told: a secret that is cut here is not told. */
const WORDS_READ_MAX = 16_384;

/**
 * What a server says for people in a body of an error: OpenAI's form, FastAPI's, or text; cut.
 *
 * @param hide takes secrets out before the cut, which would leave a part of one.
 */
export function wordsOfError(
  body: string,
  hide: (words: string) => string = (words) => words,
): string {
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  let found: string | null = null;
  try {
    const { error, detail, message } = JSON.parse(body) as Record<string, unknown>;
    const inner = (value: unknown) =>
      typeof value === 'object' && value !== null
        ? text((value as Record<string, unknown>).message)
        : null;
    const nested = typeof detail === 'object' && detail !== null && 'error' in detail;
    found =
      inner(error) ??
      (nested ? inner(detail.error) : null) ??
      text(error) ??
      text(detail) ??
      text(message);
  } catch {
    found = body.trimStart().startsWith('<') ? null : body;
  }
  const words = (found ?? '').slice(0, WORDS_READ_MAX).replace(/\s+/g, ' ').trim();
  return hide(words).slice(0, WORDS_MAX);
}
