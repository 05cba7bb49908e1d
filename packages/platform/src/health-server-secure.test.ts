import { request as plainRequest } from 'node:http';
import { type RequestOptions, request as secureRequest } from 'node:https';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { issueForServer, makeCa } from './authority/certificates.ts';
import { type HealthCertificate, HealthServer } from './health-server.ts';
import { createLogger } from './logger.ts';

const token = 'mt-abcdefghijklmnopqrstuvwxyz';
let certificate: HealthCertificate;
let caPem: string;
let server: HealthServer;

beforeAll(async () => {
  ({ certificate, caPem } = await made());
});
afterEach(() => server.stop());

async function made() {
  const validity = { fromMs: Date.now(), toMs: Date.now() + 86_400_000 };
  const ca = await makeCa(validity);
  const own = await issueForServer(ca, ['localhost', '127.0.0.1'], validity);
  return { certificate: own, caPem: ca.certPem };
}

async function serve(options: { isSecure: boolean; token: string | null }) {
  server = new HealthServer({
    listen: { host: '127.0.0.1', port: 0 },
    setting: 'agent.http.listen',
    checks: () => [{ name: 'nats', ok: true, detail: 'connected' }],
    metrics: async () => ({ contentType: 'text/plain', text: 'a 1\n' }),
    logger: createLogger({
      level: 'info',
      component: 'it',
      terminal: false,
      write: () => undefined,
    }),
    tls: options.isSecure ? () => certificate : null,
    token: options.token,
  });
  await server.start();
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly challenge: string | undefined;
}

function get(
  path: string,
  authorization?: string,
  tls: RequestOptions | null = { ca: caPem },
): Promise<Answer> {
  const [host, port] = (server.address ?? '').split(':');
  const headers = authorization === undefined ? {} : { authorization };
  const to = { host, port, path, headers, agent: false };
  return new Promise((resolve, reject) => {
    const asked = tls === null ? plainRequest(to) : secureRequest({ ...to, ...tls });
    asked.once('error', reject);
    asked.once('response', (response) => {
      const challenge = response.headers['www-authenticate'];
      const status = response.statusCode ?? 0;
      text(response).then((body) => resolve({ status, text: body, challenge }), reject);
    });
    asked.end();
  });
}

describe.each([
  ['plain', false],
  ['HTTPS', true],
])('every route over %s', (_name, isSecure) => {
  const tls = () => (isSecure ? { ca: caPem } : null);

  it.each([
    ['/livez', 200, 200, 200],
    ['/readyz', 200, 200, 200],
    ['/readyz?verbose', 200, 200, 200],
    ['/metrics', 200, 401, 200],
    ['/', 404, 404, 404],
  ])(
    '%s answers %i when no token is asked for, else %i without and %i with it',
    async (path, open, without, withToken) => {
      await serve({ isSecure, token: null });
      expect((await get(path, undefined, tls())).status).toBe(open);
      await server.stop();
      await serve({ isSecure, token });
      const refused = await get(path, undefined, tls());
      expect(refused.status).toBe(without);
      expect(refused.challenge).toBe(without === 401 ? 'Bearer realm="podctl"' : undefined);
      expect((await get(path, `Bearer ${token}`, tls())).status).toBe(withToken);
    },
  );

  it.each([
    'Bearer',
    'Bearer ',
    `Bearer ${token}x`,
    `Bearer ${token.slice(1)}`,
    token,
    `Basic ${token}`,
  ])('takes no other token: %s', async (authorization) => {
    await serve({ isSecure, token });
    const refused = await get('/metrics', authorization, tls());
    expect(refused.status).toBe(401);
    expect(refused.text).not.toContain(token.slice(1));
  });
});

describe('the health server over HTTPS', () => {
  it('cannot be asked without TLS, nor by who trusts another CA', async () => {
    await serve({ isSecure: true, token: null });
    await expect(get('/livez', undefined, null)).rejects.toThrow();
    await expect(get('/livez', undefined, {})).rejects.toThrow(/certificate|self-signed/);
  });

  it('speaks TLS 1.3, and 1.2 with who knows no better, and nothing older', async () => {
    await serve({ isSecure: true, token: null });
    const [host, port] = (server.address ?? '').split(':');
    const spoken = (maxVersion: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3') =>
      new Promise((resolve) => {
        const to = {
          host,
          port: Number(port),
          ca: caPem,
          minVersion: 'TLSv1',
          maxVersion,
        } as const;
        const socket = connectTls(to, () => resolve(socket.getProtocol()));
        socket.once('error', () => resolve(null));
        socket.once('secureConnect', () => socket.destroy());
      });
    expect([await spoken('TLSv1.3'), await spoken('TLSv1.2'), await spoken('TLSv1.1')]).toEqual([
      'TLSv1.3',
      'TLSv1.2',
      null,
    ]);
  });

  it('shows the newest certificate, without a restart', async () => {
    const before = { certificate, caPem };
    await serve({ isSecure: true, token: null });
    ({ certificate, caPem } = await made());
    expect((await get('/livez')).status).toBe(200);
    ({ certificate, caPem } = before);
  });

  it('keeps 16 connections of one address, and a place is free again when one ends', async () => {
    await serve({ isSecure: true, token: null });
    const [host, port] = (server.address ?? '').split(':');
    const sockets = Array.from({ length: 17 }, () =>
      connect(Number(port), host).on('error', () => undefined),
    );
    const ended = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    await Promise.race(ended);
    expect(sockets.filter((socket) => socket.destroyed)).toHaveLength(1);
    await expect(get('/livez')).rejects.toThrow();
    for (const socket of sockets) socket.destroy();
    await Promise.all(ended);
    await expect.poll(async () => (await get('/livez')).status).toBe(200);
  });

  it('stops at once though a handshake has not ended', async () => {
    await serve({ isSecure: true, token: null });
    const [host, port] = (server.address ?? '').split(':');
    const socket = connect(Number(port), host);
    const ended = text(socket).catch(() => 'reset');
    await new Promise((resolve) => socket.once('connect', resolve));
    await get('/livez');
    await server.stop();
    await ended;
    expect(server.address).toBeNull();
  });
});
