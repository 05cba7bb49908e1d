import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, isIP } from 'node:net';
import { checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls';
import { SERVER_NAMES } from '@podctl/platform/authority/server-names.ts';
import { isLoopback, parseAddress } from '@podctl/platform/endpoint.ts';
import { tlsFailureIn } from '../tls-failure.ts';
import { whyUnreached } from '../unreached.ts';
import type { AddressFacts, TlsFacts } from './core/fleet-facts.ts';
import { probed } from './probe.ts';

const REACH_MS_MAX = 3_000;
const TLS_MS_MAX = 3_000;
/** What speaks no TLS has nothing to say to a greeting. */
const GREETING_MS_MAX = 1_500;

/** Opens the port, then TLS as a client does. Rejects only with the signal's reason. */
export async function probeCoordinatorAddress(
  address: string,
  ca: string | null,
  signal: AbortSignal,
): Promise<AddressFacts> {
  const { host, port } = parseAddress(address);
  const tcp = await probed(REACH_MS_MAX, signal, async (until) => {
    const startMs = performance.now();
    const socket = connect({ host, port }).on('error', ignored);
    try {
      await once(socket, 'connect', { signal: until });
      return { tookMs: performance.now() - startMs };
    } catch (error) {
      throw until.aborted ? error : new Error(whyUnreached(error));
    } finally {
      socket.destroy();
    }
  });
  const facts = { address, isLoopback: isLoopback(host), tcp };
  if (tcp.kind === 'unseen') return { ...facts, tls: { kind: 'unasked' } };
  const tls = ca === null ? await withoutCa(address, signal) : await withCa(address, ca, signal);
  return { ...facts, tls };
}

async function withCa(address: string, ca: string, signal: AbortSignal): Promise<TlsFacts> {
  const { host, port } = parseAddress(address);
  const found = await probed(TLS_MS_MAX, signal, (until) =>
    greeted({ host, port, ca, signal: until, rejectUnauthorized: true }),
  );
  if (found.kind === 'unseen')
    return { kind: 'refused', failure: tlsFailureIn(found.why), why: found.why };
  const caExpiresMs = Date.parse(new X509Certificate(ca).validTo);
  return { kind: 'trusted', ...found.value, caExpiresMs };
}

/** Whether it would speak TLS: then it hangs up on whoever does not. */
async function withoutCa(address: string, signal: AbortSignal): Promise<TlsFacts> {
  const { host, port } = parseAddress(address);
  const found = await probed(GREETING_MS_MAX, signal, (until) =>
    greeted({ host, port, signal: until, rejectUnauthorized: false }),
  );
  if (found.kind === 'unseen') return { kind: 'plain' };
  return { kind: 'refused', failure: 'hung_up', why: 'it speaks TLS, and no CA is named' };
}

interface Greeting {
  readonly host: string;
  readonly port: number;
  readonly ca?: string;
  readonly signal: AbortSignal;
  readonly rejectUnauthorized: boolean;
}

async function greeted({ signal, host, ...options }: Greeting) {
  const socket: TLSSocket = connectTls({
    ...options,
    host,
    ALPNProtocols: ['h2'],
    ...(isIP(host) === 0 ? { servername: host } : {}),
    // As the client of every command does it.
    checkServerIdentity: (_, certificate) =>
      checkServerIdentity(SERVER_NAMES.coordinator, certificate) &&
      checkServerIdentity(host, certificate),
  });
  socket.on('error', ignored);
  try {
    await once(socket, 'secureConnect', { signal });
    const expiresMs = Date.parse(socket.getPeerCertificate().valid_to);
    return { protocol: socket.getProtocol() ?? 'TLS', expiresMs };
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Error(whyNotSecure(error), { cause: error });
  } finally {
    socket.destroy();
  }
}

/** The first one is waited for; what a connection that is given up says later is nobody's business. */
function ignored(): void {}

/** With the code, by which the failure is known. */
function whyNotSecure(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const message = error instanceof Error ? error.message : String(error);
  return `${message} (${code})`;
}
