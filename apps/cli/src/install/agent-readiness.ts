import http from 'node:http';
import https from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { type Address, isLoopback, isWildcard, parseAddress } from '@podctl/platform/endpoint.ts';
import { errorCode } from '../file-error.ts';
import type { Readiness } from './ports.ts';

const ASK_MS_MAX = 2_000;
const ASK_AGAIN_MS = 250;
const TEXT_MAX = 16 * 1024;

/** Asks the agent's own `/readyz`. @param listen `host:port` of agent.http.listen. Never rejects but by the signal. */
export async function askReadiness(listen: string, signal: AbortSignal): Promise<Readiness> {
  try {
    const { status, text } = await readyz(
      parseAddress(listen),
      AbortSignal.any([signal, AbortSignal.timeout(ASK_MS_MAX)]),
    );
    return readReadiness(status, text);
  } catch (error) {
    signal.throwIfAborted();
    const refused = errorCode(error) === 'ECONNREFUSED';
    return {
      kind: 'unreachable',
      why: refused ? `nothing listens on ${listen}` : `${listen} gives no answer`,
    };
  }
}

/** Lines such as `[+] session: welcomed by the leader`. */
export function readReadiness(status: number, text: string): Readiness {
  const lines = text.split('\n').filter((line) => /^\[[+-]\] /.test(line));
  const welcomed = lines.some((line) => line.startsWith('[+] session:'));
  return { kind: 'answered', ready: status === 200, welcomed, lines };
}

/** Resolves once a leader has welcomed the agent, else with the last that was seen when the time is over. */
export async function waitForWelcome(
  listen: string,
  limitMs: number,
  signal: AbortSignal,
): Promise<Readiness> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const seen = await askReadiness(listen, signal);
    if ((seen.kind === 'answered' && seen.welcomed) || performance.now() >= endMs) return seen;
    await delay(ASK_AGAIN_MS, undefined, { signal });
  }
}

interface Page {
  readonly status: number;
  readonly text: string;
}

/** Beyond loopback an agent speaks TLS; nothing is sent that another one must not hear. */
function readyz({ host, port }: Address, signal: AbortSignal): Promise<Page> {
  const { promise, resolve, reject } = Promise.withResolvers<Page>();
  const get = isLoopback(host) ? http.get : https.get;
  // One that listens everywhere is asked on loopback.
  const to = isWildcard(host) ? (host === '::' ? '::1' : '127.0.0.1') : host;
  const path = '/readyz?verbose';
  const request = get({ host: to, port, path, signal, rejectUnauthorized: false }, (response) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (part: string) => {
      text = (text + part).slice(0, TEXT_MAX);
    });
    response.once('error', reject);
    response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
  });
  request.once('error', reject);
  return promise;
}
