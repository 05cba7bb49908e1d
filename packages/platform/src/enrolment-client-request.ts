import { Agent, request } from 'undici';
import type { coordinatorTls } from './agent-credential.ts';
import { isUntrusted } from './nats/tls.ts';

/** What came of one request to a coordinator. */
export type Heard =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: Buffer;
      /** Its clock, epoch ms, to the second; null when it does not say. */
      readonly dateMs: number | null;
    }
  /** Nobody answered, or not to the end: it may be otherwise in a while. */
  | { readonly kind: 'silence'; readonly why: string }
  /** Whoever is there does not prove to be who is looked for. `clock`: by its certificate's dates alone. */
  | { readonly kind: 'stranger'; readonly why: string; readonly clock: boolean };

export interface EnrolmentRequest {
  /** `https://host:port` */
  readonly origin: string;
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly body?: Uint8Array;
  /** Whom to trust; `untrusted`: whoever answers, and nothing is sent to them. */
  readonly tls: ReturnType<typeof coordinatorTls> | 'untrusted';
  readonly signal: AbortSignal;
}

const CONNECT_MS_MAX = 5_000;
const ANSWER_MS_MAX = 15_000;
const ANSWER_BYTES_MAX = 32 * 1024;
/** It speaks something, but not TLS 1.3, or not HTTP. */
const NOT_OURS = /^(?:EPROTO|ERR_SSL_|HPE_)/;

/** One request on a connection of its own. Follows no redirect. Rejects only with the signal's reason. */
export async function heardFrom({
  origin,
  path,
  tls,
  signal,
  ...rest
}: EnrolmentRequest): Promise<Heard> {
  const trust = tls === 'untrusted' ? { rejectUnauthorized: false } : tls;
  const connect = { ...trust, minVersion: 'TLSv1.3', timeout: CONNECT_MS_MAX } as const;
  const dispatcher = new Agent({ connect, maxResponseSize: ANSWER_BYTES_MAX });
  try {
    const { statusCode, headers, body } = await request(new URL(path, origin), {
      ...rest,
      dispatcher,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]),
      ...(rest.body === undefined ? {} : { headers: { 'content-type': 'application/json' } }),
    });
    const dateMs = Date.parse([headers.date ?? ''].flat()[0] ?? '');
    return {
      kind: 'answer',
      status: statusCode,
      body: Buffer.from(await body.arrayBuffer()),
      dateMs: Number.isNaN(dateMs) ? null : dateMs,
    };
  } catch (error) {
    signal.throwIfAborted();
    return failed(error);
  } finally {
    await dispatcher.destroy();
  }
}

function failed(error: unknown): Heard {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const message = error instanceof Error ? error.message : String(error);
  const why = code === '' || message.includes(code) ? message : `${code} ${message}`.trim();
  if (code === 'CERT_NOT_YET_VALID' || code === 'CERT_HAS_EXPIRED')
    return { kind: 'stranger', why, clock: true };
  if (isUntrusted(error) || NOT_OURS.test(code)) return { kind: 'stranger', why, clock: false };
  return { kind: 'silence', why };
}

/** Its first line, for people. */
export function wordsOf(body: Buffer): string {
  const [line = ''] = body.toString('utf8').split('\n');
  return line.slice(0, 300).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '');
}
