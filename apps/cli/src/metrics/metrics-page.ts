import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { checkServerIdentity } from 'node:tls';
import { SERVER_NAMES } from '@podctl/platform/authority/server-names.ts';
import { formatAddress } from '@podctl/platform/endpoint.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { whyUnreached } from '../unreached.ts';
import type { MetricsPlace } from './metrics-place.ts';

export interface MetricsRequest {
  readonly place: MetricsPlace;
  /** For messages, e.g. `the coordinator`. */
  readonly whose: string;
  /** Certificates that the page's must come from. Null where it is served plainly, or by an agent of this machine. */
  readonly ca: string | null;
  readonly token: string | null;
  readonly timeoutMs: number;
}

const PAGE_CHARACTERS_MAX = 64 * 1024 * 1024;

/** The page as text. Rejects with CommandError. */
export async function readMetrics(request: MetricsRequest): Promise<string> {
  const { place, whose, timeoutMs, token } = request;
  const at = `${whose}'s metrics at ${formatAddress(place)}`;
  const late = AbortSignal.timeout(timeoutMs);
  const { status, text } = await get(request, late).catch((error: unknown) => {
    if (late.aborted)
      throw new CommandError(
        EXIT.deadline,
        `${at} did not come within ${timeoutMs / 1_000} s; give it longer with --timeout`,
      );
    throw new CommandError(
      EXIT.unavailable,
      `${at} cannot be read: ${whyUnreached(error)}; "podctl doctor" tells more`,
      error,
    );
  });
  if (status === 401)
    throw new CommandError(
      EXIT.denied,
      token === null
        ? `${at} are shown to who has their token (security.metricsTokenFile there); name a file with it in --metrics-token-file`
        : `${at} do not take this token; it should be the one of security.metricsTokenFile there`,
    );
  if (status === 200) return text;
  throw new CommandError(
    EXIT.failed,
    `${at} were answered with status ${status}; its log says why`,
  );
}

async function get(
  { place, ca, token }: MetricsRequest,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  const { host, port, tls } = place;
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const trust =
    ca === null
      ? { rejectUnauthorized: false }
      : {
          ...{ ca, servername: SERVER_NAMES.coordinator },
          checkServerIdentity: (
            _: string,
            certificate: Parameters<typeof checkServerIdentity>[1],
          ) => checkServerIdentity(SERVER_NAMES.coordinator, certificate),
        };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { host, port, path: '/metrics', headers, signal };
  const request = tls ? https.get({ ...options, ...trust }, resolve) : http.get(options, resolve);
  request.once('error', reject);
  const response = await promise;
  let text = '';
  response.setEncoding('utf8');
  for await (const part of response) {
    text += String(part);
    if (text.length > PAGE_CHARACTERS_MAX) throw new Error('the page is longer than 64 MB');
  }
  return { status: response.statusCode ?? 0, text };
}
