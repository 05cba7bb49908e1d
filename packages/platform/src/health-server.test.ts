import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failToAccept } from '../../../test/support/accept-error.ts';
import { type HealthCheck, HealthServer } from './health-server.ts';
import { createLogger } from './logger.ts';

let server: HealthServer;
let checks: readonly HealthCheck[];
let metrics: () => Promise<{ contentType: string; text: string }>;
let logged: string[];

function make(port = 0, host = '127.0.0.1') {
  const write = (line: string) => void logged.push(line);
  return new HealthServer({
    listen: { host, port },
    setting: 'agent.http.listen',
    checks: () => checks,
    metrics: () => metrics(),
    logger: createLogger({ level: 'info', component: 'it', terminal: false, write }),
  });
}

beforeEach(async () => {
  logged = [];
  checks = [
    { name: 'nats', ok: true, detail: 'connected' },
    { name: 'ledger', ok: true, detail: 'loaded' },
  ];
  metrics = async () => ({ contentType: 'text/plain; version=0.0.4', text: 'a 1\n' });
  server = make();
  await server.start();
});
afterEach(() => server.stop());

async function get(path: string, init?: RequestInit) {
  const response = await fetch(`http://${server.address}${path}`, init);
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** Sends bytes as they are and reads to the end of the connection. */
async function raw(bytes: string): Promise<string> {
  const [host, port] = (server.address ?? '').split(':');
  const socket = connect(Number(port), host);
  socket.write(bytes);
  return text(socket);
}

describe('the health server', () => {
  it('goes on when a connection cannot be accepted, and says so', async () => {
    await server.stop();
    server = make();
    await failToAccept(() => server.start());
    expect(logged.join('')).toMatch(/"err":.*EMFILE.*"msg":"a connection could not be accepted"/);
    expect(await get('/livez')).toMatchObject({ status: 200 });
  });

  it('says that it lives', async () => {
    expect(await get('/livez')).toMatchObject({ status: 200, text: 'ok\n' });
    expect(await get('/livez', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  });

  it('is ready when every check is', async () => {
    expect(await get('/readyz')).toMatchObject({ status: 200, text: 'ready\n' });
    expect(await get('/readyz?verbose')).toMatchObject({
      status: 200,
      text: '[+] nats: connected\n[+] ledger: loaded\nready\n',
    });
  });

  it('names what is not ready', async () => {
    checks = [
      { name: 'nats', ok: false, detail: 'disconnected for 3 s' },
      { name: 'ledger', ok: true, detail: 'loaded' },
    ];
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      text: '[-] nats: disconnected for 3 s\nnot ready\n',
    });
    expect((await get('/readyz?verbose')).text).toContain('[+] ledger: loaded');
  });

  it('shows the metrics', async () => {
    const page = await get('/metrics');
    expect(page).toMatchObject({ status: 200, text: 'a 1\n' });
    expect(page.headers.get('content-type')).toBe('text/plain; version=0.0.4');
  });

  it('answers 500 and logs when a page cannot be made', async () => {
    metrics = () => Promise.reject(new Error('broken'));
    expect((await get('/metrics')).status).toBe(500);
    expect(logged.join('')).toContain('broken');
    expect((await get('/livez')).status).toBe(200);
  });

  it('has no other pages and takes no other methods', async () => {
    expect((await get('/')).status).toBe(404);
    expect((await get('/livez/../etc')).status).toBe(404);
    const posted = await get('/livez', { method: 'POST', body: 'x' });
    expect(posted.status).toBe(405);
    expect(posted.headers.get('allow')).toBe('GET, HEAD');
  });

  it('takes no endless header and no nonsense', async () => {
    const long = `GET /livez HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(20_000)}\r\n\r\n`;
    expect(await raw(long)).toMatch(/^HTTP\/1\.1 431 /);
    expect(await raw('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw('GET // HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 404 /,
    );
  });

  it('says in a sentence that its port is taken, and which setting to change', async () => {
    const port = Number(server.address?.split(':')[1]);
    await expect(make(port).start()).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: `127.0.0.1:${port} is taken by another program; set agent.http.listen to another address (port 0 takes a free one)`,
    });
  });

  it('says that an address is none of this machine', async () => {
    await expect(make(0, '192.0.2.1').start()).rejects.toMatchObject({
      message: expect.stringMatching(/^192\.0\.2\.1:0 is no address of this machine; set agent/),
    });
  });

  it('stops at once, with connections open, and twice', async () => {
    const [host, port] = (server.address ?? '').split(':');
    const socket = connect(Number(port), host);
    const opened = new Promise((resolve) => socket.once('connect', resolve));
    await opened;
    const ended = text(socket).catch(() => 'reset');
    await server.stop();
    await server.stop();
    await ended;
    expect(server.address).toBeNull();
  });
});
