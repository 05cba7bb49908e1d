import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { whyUnreached } from '../unreached.ts';
import { type AddressSeen, skewMs } from './preflight.ts';

const PROBE_MS_MAX = 5_000;

/** Finds the name, opens the port, and reads the clock where the address speaks HTTP. Never rejects but by the signal. */
export async function probeAddress(
  url: string,
  signal: AbortSignal,
  limitMs = PROBE_MS_MAX,
): Promise<AddressSeen> {
  const late = AbortSignal.timeout(limitMs);
  const either = AbortSignal.any([signal, late]);
  try {
    const { hostname, port, protocol } = new URL(url);
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    await raced(lookup(host), either);
    const skew = /^https?:$/.test(protocol)
      ? await clockSkew(url, either)
      : await opened(host, Number(port === '' ? 4222 : port), either);
    return { kind: 'reached', url, skewMs: skew };
  } catch (error) {
    signal.throwIfAborted();
    return {
      kind: 'unreached',
      url,
      why: late.aborted ? `it gave no answer within ${limitMs / 1_000} s` : whyUnreached(error),
    };
  }
}

async function opened(host: string, port: number, signal: AbortSignal): Promise<null> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal });
    return null;
  } finally {
    socket.destroy();
  }
}

/** The certificate is not looked at: nothing is sent, and nothing but the date of the answer is used. */
async function clockSkew(url: string, signal: AbortSignal): Promise<number | null> {
  const askedAtMs = Date.now();
  const target = new URL('/v1/ca', url);
  const request =
    target.protocol === 'https:'
      ? httpsRequest(target, { method: 'HEAD', signal, rejectUnauthorized: false, agent: false })
      : httpRequest(target, { method: 'HEAD', signal, agent: false });
  request.end();
  const [response] = await once(request, 'response', { signal });
  response.resume();
  const date = Date.parse(String(response.headers.date ?? ''));
  request.destroy();
  return Number.isNaN(date) ? null : skewMs(date, askedAtMs, Date.now());
}

/** A name that nobody resolves may take the resolver longer than anyone waits. */
async function raced<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
