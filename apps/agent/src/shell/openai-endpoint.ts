import { openAsBlob } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseRetryAfterMs } from '@podctl/domain/feed/poll.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { backoffMs } from '@podctl/domain/retry.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { withoutSecrets } from '@podctl/platform/redaction.ts';
import { type Dispatcher, FormData, request } from 'undici';
import {
  type EndpointNames,
  judgeEndpointAnswer,
  REST_MS_MAX,
  RETRY_WAIT_MS_MAX,
  wordsOfError,
} from '../core/endpoint-answer.ts';
import type { EngineFailure } from '../core/engine-failure.ts';

export interface EndpointSpec {
  /** What stands before `/audio/transcriptions`; it holds no secret. */
  readonly url: string;
  readonly tokenFile: string | null;
  readonly timeoutMs: number;
  readonly uploadBytesMax: number;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly random: () => number;
  /** It asks for rest, or has just been found unreachable: whoever gives work should know. */
  readonly resting: () => void;
}

/** A file to be heard, and what is asked of it. */
export interface Upload {
  readonly path: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly model: string;
}

type Tried =
  | { readonly kind: 'heard'; readonly body: string }
  | { readonly kind: 'failed'; readonly failure: EngineFailure }
  | { readonly kind: 'again'; readonly failure: EngineFailure; readonly waitMs?: number };

const TRIES_MAX = 4;
const BACKOFF = { backoffFirstMs: 1_000, backoffMaxMs: 30_000 };
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
const TOKEN_BYTES_MAX = 8_192;
const CANCELLED: EngineFailure = { code: 'cancelled', message: 'The transcription was cancelled.' };
/** Errors of a connection that was never made. */
const UNREACHABLE =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

/** One server, shared by all slots: when it asks one of them for patience, it is given by all. */
export class OpenaiEndpoint {
  readonly #spec: EndpointSpec;
  #restUntilMs = 0;
  #why: EngineFailure | null = null;
  #failures = 0;

  constructor(spec: EndpointSpec) {
    this.#spec = spec;
  }

  get url(): string {
    return withoutSecrets(this.#spec.url);
  }

  /** For so long it is not to be asked. */
  get restMs(): number {
    return Math.max(0, this.#restUntilMs - this.#spec.clock.monotonicMs());
  }

  /** Why it is left alone; null: it is not. */
  get resting(): EngineFailure | null {
    return this.restMs > 0 ? this.#why : null;
  }

  /** Tries it a few times where that may help; an abort ends the connection at once. Gives the body of the answer. */
  async transcribe(upload: Upload, signal: AbortSignal): Promise<Result<string, EngineFailure>> {
    const { clock, random } = this.#spec;
    for (let tries = 1; !signal.aborted; tries += 1) {
      const tried = await this.#try(upload, signal);
      if (signal.aborted) break;
      if (tried.kind === 'heard') {
        this.#failures = 0;
        return ok(tried.body);
      }
      if (tried.kind === 'failed') return err(tried.failure);
      const { failure, waitMs = backoffMs(tries, BACKOFF, random()) } = tried;
      if (tries >= TRIES_MAX || waitMs > RETRY_WAIT_MS_MAX)
        return err({ ...failure, retryAfterMs: this.#giveUp(waitMs, failure) });
      this.#rest(waitMs, failure);
      await clock.sleep(waitMs, signal).catch(() => undefined);
    }
    return err(CANCELLED);
  }

  /** Whoever comes next waits longer, until something is heard. */
  #giveUp(waitMs: number, failure: EngineFailure): number {
    this.#failures += 1;
    const ownMs = backoffMs(this.#failures, BACKOFF, this.#spec.random());
    const restMs = Math.min(Math.max(waitMs, ownMs), REST_MS_MAX);
    this.#rest(restMs, failure);
    return restMs;
  }

  /** An error of the server's own may be of one episode: the others are not kept waiting for it. */
  #rest(ms: number, failure: EngineFailure): void {
    if (failure.code === 'endpoint_failed') return;
    const { clock, resting } = this.#spec;
    const wasResting = this.restMs > 0;
    this.#restUntilMs = Math.max(
      this.#restUntilMs,
      clock.monotonicMs() + Math.min(ms, REST_MS_MAX),
    );
    this.#why = failure;
    if (!wasResting) resting();
  }

  async #try(upload: Upload, signal: AbortSignal): Promise<Tried> {
    const { url, tokenFile, timeoutMs, uploadBytesMax, dispatcher, clock } = this.#spec;
    const token = tokenFile === null ? ok(null) : await tokenIn(tokenFile);
    if (!token.ok) return { kind: 'failed', failure: token.error };
    const deadline = AbortSignal.timeout(timeoutMs);
    const names: EndpointNames = { url: this.url, model: upload.model, uploadBytesMax };
    try {
      const { statusCode, headers, body } = await request(`${url}/audio/transcriptions`, {
        method: 'POST',
        headers: token.value === null ? {} : { authorization: `Bearer ${token.value}` },
        body: await formOf(upload),
        signal: AbortSignal.any([signal, deadline]),
        ...{ dispatcher, headersTimeout: 0, bodyTimeout: 0 },
      });
      const text = await textOf(body);
      if (text === null) return { kind: 'failed', failure: endless(names) };
      const words = wordsOfError(text, (said) => hidden(said, token.value));
      const after = headers['retry-after'];
      const retryAfterMs =
        typeof after === 'string' ? parseRetryAfterMs(after, clock.wallMs()) : null;
      const verdict = judgeEndpointAnswer({ status: statusCode, retryAfterMs, words }, names);
      return verdict.kind === 'heard' ? { kind: 'heard', body: text } : verdict;
    } catch (error) {
      if (deadline.aborted && !signal.aborted)
        return { kind: 'failed', failure: slow(names, timeoutMs) };
      return { kind: 'again', failure: troubleOf(error, names) };
    }
  }
}

/** The file is read while it is sent, never whole. */
async function formOf({ path, fields }: Upload): Promise<FormData> {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  form.append('file', await openAsBlob(path), basename(path));
  return form;
}

/** Null: it is longer than any transcript. */
async function textOf(body: Dispatcher.ResponseData['body']): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function tokenIn(path: string): Promise<Result<string, EngineFailure>> {
  const refused = (seen: string): Result<string, EngineFailure> =>
    err({
      code: 'endpoint_refused',
      message: `transcribe.openai.tokenFile: ${path} ${seen}; expected a file with the token and nothing else.`,
    });
  try {
    await using file = await open(path, 'r');
    const buffer = Buffer.alloc(TOKEN_BYTES_MAX);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    const token = buffer.toString('utf8', 0, bytesRead).trim();
    return /^[\x21-\x7e]{1,4096}$/.test(token) ? ok(token) : refused('holds no token');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an error';
    return refused(`cannot be read (${code})`);
  }
}

function hidden(words: string, token: string | null): string {
  const without = token === null ? words : words.replaceAll(token, '***');
  return withoutSecrets(without).replace(/\bsk-[\w*-]{4,}/g, '***');
}

function troubleOf(error: unknown, { url }: EndpointNames): EngineFailure {
  const code = codeOf(error);
  return UNREACHABLE.test(code)
    ? {
        code: 'endpoint_unreachable',
        message: `${url} cannot be reached (${code}); start it, or correct transcribe.openai.url.`,
      }
    : { code: 'endpoint_failed', message: `The connection to ${url} broke (${code}).` };
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an error';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause instanceof Error ? codeOf(error.cause) : error.name;
}

function endless({ url }: EndpointNames): EngineFailure {
  return { code: 'engine_babble', message: `The answer of ${url} has no end.` };
}

function slow({ url }: EndpointNames, timeoutMs: number): EngineFailure {
  return {
    code: 'endpoint_slow',
    message: `${url} gave no answer within ${timeoutMs / 1_000} s (transcribe.openai.timeout).`,
  };
}
