import { createPublicKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { agentId } from '@podctl/domain/ids.ts';
import { invariant } from '@podctl/domain/result.ts';
import type { AgentCredential } from '@podctl/platform/agent-credential.ts';
import {
  issueForAgent,
  issueForServer,
  type KeyedCertificate,
  makeCa,
} from '@podctl/platform/authority/certificates.ts';
import { SERVER_NAMES } from '@podctl/platform/authority/server-names.ts';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { isNetwork } from './byte-client.ts';
import { ByteDispatcher } from './byte-dispatcher.ts';

const name = agentId('gpu-1');
invariant(name.ok, 'an agent id');
const agent = name.value;
const day = { fromMs: Date.now(), toMs: Date.now() + 86_400_000 };

let ca: KeyedCertificate;
let server: Server;
let url: string;
/** Serial numbers of the certificates that were shown, one a request. */
let shown: string[];
let held: ServerResponse[];
let dispatcher: ByteDispatcher;

beforeEach(async () => {
  ca = await makeCa(day);
  shown = [];
  held = [];
  server = await listening([SERVER_NAMES.coordinator]);
  url = urlOf(server);
});
afterEach(async () => {
  await dispatcher.stop();
  await close(server);
});

describe('connections to coordinators', () => {
  test('show the newest certificate, and what is under way ends on the one it began with', async () => {
    const [first, second] = [await issued(), await issued()];
    dispatcher = new ByteDispatcher(first.credential);
    const underWay = ask('/held');
    await vi.waitFor(() => expect(held).toHaveLength(1));
    dispatcher.use(second.credential);
    expect(await ask('/')).toBe('ok');
    expect(shown).toEqual([first.serial, second.serial]);
    expect(dispatcher.leaving).toBe(1);
    held[0]?.end('late');
    expect(await underWay).toBe('late');
    await vi.waitFor(() => expect(dispatcher.leaving).toBe(0));
  });

  test('are not made with who has no coordinator’s certificate, and that is trouble with the network', async () => {
    dispatcher = new ByteDispatcher((await issued()).credential);
    const other = await listening(['gpu-2.agent.podctl.internal', '127.0.0.1']);
    const error = await ask('/', urlOf(other)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    expect(isNetwork(error)).toBe(true);
    expect(shown).toEqual([]);
    await close(other);
  });

  test('of a fleet are not made with another fleet’s coordinator', async () => {
    const { credential } = await issued();
    ca = await makeCa(day);
    const other = await listening([SERVER_NAMES.coordinator]);
    dispatcher = new ByteDispatcher(credential);
    const error = await ask('/', urlOf(other)).catch((reason: unknown) => reason);
    expect(isNetwork(error)).toBe(true);
    expect(shown).toEqual([]);
    await close(other);
  });

  test('that hang are broken off when the agent stops', async () => {
    dispatcher = new ByteDispatcher((await issued()).credential);
    const underWay = ask('/held').catch(() => 'broken off');
    await vi.waitFor(() => expect(held).toHaveLength(1));
    dispatcher.use((await issued()).credential);
    await dispatcher.stop();
    expect(await underWay).toBe('broken off');
    expect(dispatcher.leaving).toBe(0);
  });
});

async function ask(path: string, at = url): Promise<string> {
  const { body } = await request(`${at}${path}`, { dispatcher });
  return body.text();
}

async function issued(): Promise<{ credential: AgentCredential; serial: string }> {
  const { keyPem, certPem } = await issueForServer(ca, ['x'], day);
  const spki = createPublicKey(certPem).export({ type: 'spki', format: 'pem' }).toString();
  const tlsCertPem = await issueForAgent(ca, agent, spki, day);
  const serial = new X509Certificate(tlsCertPem).serialNumber;
  const nats = { natsServers: [], natsSeed: '', natsJwt: '' };
  const tls = { caPem: ca.certPem, tlsKeyPem: keyPem, tlsCertPem };
  const credential = { agent, coordinators: [], ...nats, ...tls, issuedMs: 0, expiresMs: 0 };
  return { credential, serial };
}

async function listening(hosts: readonly string[]): Promise<Server> {
  const { certPem, keyPem } = await issueForServer(ca, hosts, day);
  const tls = { cert: certPem, key: keyPem, ca: ca.certPem, requestCert: true };
  const made = createServer(tls, ({ socket, url: path }, response) => {
    invariant(socket instanceof TLSSocket, 'a TLS connection');
    shown.push(socket.getPeerX509Certificate()?.serialNumber ?? '');
    response.setHeader('connection', 'close');
    if (path === '/held') held.push(response);
    else response.end('ok');
  });
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  return made;
}

async function close(open: Server): Promise<void> {
  open.close();
  open.closeAllConnections();
  await once(open, 'close');
}

function urlOf(open: Server): string {
  return `https://127.0.0.1:${(open.address() as AddressInfo).port}`;
}
