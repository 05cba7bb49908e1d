import { createPublicKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, get, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { agentId } from '@podctl/domain/ids.ts';
import { invariant } from '@podctl/domain/result.ts';
import {
  type AgentCredential,
  readAgentCredential,
  writeAgentCredential,
} from '@podctl/platform/agent-credential.ts';
import {
  agentHost,
  issueForAgent,
  issueForServer,
} from '@podctl/platform/authority/certificates.ts';
import { accountJwt, agentJwt, publicKeyOf } from '@podctl/platform/authority/nats-claims.ts';
import { SERVER_NAMES } from '@podctl/platform/authority/server-names.ts';
import type { AgentBootstrap } from '@podctl/platform/bootstrap.ts';
import { type Child, spawnChild } from '@podctl/platform/child/child-process.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { loadSettings } from '@podctl/platform/config/load.ts';
import { makeMachineKeys } from '@podctl/platform/enrolment-client-issue.ts';
import { openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { updateAccount } from '@podctl/platform/nats/account-claims.ts';
import { natsBus } from '@podctl/platform/nats/bus.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { LeaderDouble } from '../../../test/support/leader-double.ts';
import { type SecureNats, startSecureNats } from '../../../test/support/secure-nats.ts';
import { EXIT_REFUSED } from './core/departure.ts';
import { job } from './core/machine-example.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const ENGINE = fileURLToPath(new URL('../../../test/support/held-engine.ts', import.meta.url));
const CLOCK = new URL('../../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url);
const AUDIO = 'episodes/sample/audio.mp3';
const DAY_MS = 86_400_000;
const TOKEN = 'a-token-for-metrics';

const named = agentId('local');
invariant(named.ok, 'an agent id');
const agent = named.value;
const seed = new TextDecoder().decode(makeMachineKeys().nats.getSeed());

let nats: SecureNats;
let coordinator: Server;
let link: NatsLink;
let system: NatsLink;
let leader: LeaderDouble;
let child: Child | null = null;
const renewals: string[] = [];
let said = '';

beforeAll(async () => {
  nats = await startSecureNats();
  link = await connect(nats.coordinator);
  system = await connect(nats.system);
  await createLibrary(at('library'));
  const library = await openLibrary(at('library'), null);
  await library.write(AUDIO, audio(), AbortSignal.timeout(5_000));
  leader = new LeaderDouble(
    natsBus(link.nc, (error) => {
      throw error;
    }),
    library.id,
  );
  await link.nc.flush();
});
afterAll(async () => {
  await child?.stop({ graceMs: 0 });
  coordinator?.close();
  coordinator?.closeAllConnections();
  await link.close();
  await system.close();
  await nats.stop();
});

test('an agent that joined renews its credential, shows its metrics over TLS, and ends at once when it is revoked', async () => {
  coordinator = await renewing();
  // Joined so long ago that it is due.
  const first = await issued(Date.now() - 25 * DAY_MS);
  await writeAgentCredential(at('credential.json'), first);
  child = await startAgent(first);
  await leader.welcomed();

  await vi.waitFor(() => expect(inFile().issuedMs).toBeGreaterThan(first.issuedMs));
  expect(renewals).toEqual([new X509Certificate(first.tlsCertPem).serialNumber]);
  expect(inFile()).toMatchObject({ natsSeed: seed, tlsKeyPem: first.tlsKeyPem });

  const { http } = JSON.parse(await readFile(at('endpoint.json'), 'utf8')) as { http: string };
  expect((await page(http, '/metrics')).status).toBe(401);
  const metrics = await page(http, '/metrics', TOKEN);
  expect(metrics.text).toContain(
    `podctl_agent_credential_expires_timestamp_seconds{agent="local"} ${inFile().expiresMs / 1_000}`,
  );
  expect(metrics.text).toContain('podctl_agent_credential_renewals_failed_total{agent="local"} 0');
  expect(metrics.serial).toBe(new X509Certificate(inFile().tlsCertPem).serialNumber);
  expect((await page(http, '/readyz?verbose')).text).toContain('[+] credential: good until 20');

  const { sha256 } = await (await openLibrary(at('library'), null)).hash(
    AUDIO,
    AbortSignal.timeout(5_000),
  );
  leader.start(job('transcribe', 1, 6), {
    ...{ kind: 'transcribe', audioPath: AUDIO, audioSha256: sha256, audioSeconds: 4 },
    ...{ model: 'tiny.en', language: null },
  });
  await vi.waitFor(() => expect(said).toMatch(/engine \d+ is at work/), { timeout: 10_000 });
  const engine = Number(/engine (\d+) is at work/.exec(said)?.[1]);
  const revoked = new Map([[publicKeyOf(seed), Date.now()]]);
  const issuedS = Math.floor(Date.now() / 1_000) + 1;
  await updateAccount(system, await accountJwt(nats.authority.nats, revoked, issuedS));
  expect((await child.exited).code).toBe(EXIT_REFUSED);
  expect(said).toMatch(/NATS revoked .* removed from the fleet; join anew with a fresh token/);
  expect(leader.hellos.map(({ kind }) => kind)).toEqual(['hello']);
  expect(leader.results).toEqual([]);
  await vi.waitFor(async () => {
    const stat = await readFile(`/proc/${engine}/stat`, 'utf8').catch(() => ') Z ');
    expect(stat).toMatch(/\) [ZX] /);
  });
});

test('an agent without a credential does not start beyond loopback', async () => {
  said = '';
  const open = await startAgent(null);
  expect((await open.exited).code).toBe(2);
  expect(said).toMatch(/agent\.http\.listen: 127\.1:0 is reached by other machines, .*: listen on/);
});

function at(name: string): string {
  return join(nats.folder, name);
}

function inFile(): AgentCredential {
  const read = readAgentCredential(at('credential.json'));
  invariant(read.ok && read.value !== null, 'the file is whole at any time');
  return read.value;
}

/** Keeps the keys of the credential that there is. */
async function issued(issuedMs: number, tlsKeyPem?: string): Promise<AgentCredential> {
  const { authority } = nats;
  const validity = { fromMs: issuedMs, toMs: issuedMs + 30 * DAY_MS };
  const keyPem = tlsKeyPem ?? (await issueForServer(authority.ca, ['x'], validity)).keyPem;
  const spki = createPublicKey(keyPem).export({ type: 'spki', format: 'pem' }).toString();
  return {
    agent,
    natsServers: [nats.url],
    coordinators: [`https://127.0.0.1:${(coordinator.address() as AddressInfo).port}`],
    caPem: authority.ca.certPem,
    natsSeed: seed,
    natsJwt: await agentJwt(authority.nats, agent, publicKeyOf(seed), validity.toMs),
    tlsKeyPem: keyPem,
    tlsCertPem: await issueForAgent(authority.ca, agent, spki, validity),
    issuedMs,
    expiresMs: validity.toMs,
  };
}

/** As much of a coordinator as renews credentials. */
async function renewing(): Promise<Server> {
  const { ca } = nats.authority;
  const day = { fromMs: Date.now(), toMs: Date.now() + DAY_MS };
  const { certPem, keyPem } = await issueForServer(ca, [SERVER_NAMES.coordinator], day);
  const tls = { cert: certPem, key: keyPem, ca: ca.certPem, requestCert: true };
  const made = createServer(tls, ({ socket, url, method }, response) => {
    const peer = 'getPeerX509Certificate' in socket ? socket.getPeerX509Certificate : null;
    invariant(typeof peer === 'function' && url === '/v1/renew' && method === 'POST', 'a renewal');
    renewals.push((peer.call(socket) as X509Certificate).serialNumber);
    void issued(Date.now(), inFile().tlsKeyPem).then((credential) => {
      const { natsSeed: _seed, tlsKeyPem: _key, agent: _agent, caPem: _ca, ...told } = credential;
      response.end(JSON.stringify(told));
    });
  });
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  return made;
}

async function page(http: string, path: string, token?: string) {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const url = `https://${http}${path}`;
  const options = { headers, ca: nats.authority.ca.certPem, servername: agentHost(agent) };
  const asked = get(url, { ...options, agent: false });
  const [response] = await once(asked, 'response');
  const serial: string = response.socket.getPeerX509Certificate().serialNumber;
  return { status: Number(response.statusCode), serial, text: await text(response) };
}

async function startAgent(credential: AgentCredential | null): Promise<Child> {
  await mkdir(at('state'), { recursive: true });
  await writeFile(at('metrics.token'), `${TOKEN}\n`);
  const overrides = { library: { freeFloor: '0B' } };
  const place = { file: null, dataDir: nats.folder, version: 'test', overrides };
  const credentialFile = credential === null ? null : at('credential.json');
  const bootstrap: AgentBootstrap = {
    settings: await loadSettings(place),
    nats: {
      servers: [nats.url],
      as: credentialFile === null ? { kind: 'nobody' } : { kind: 'agent', credentialFile },
      ca: nats.authority.ca.certPem,
    },
    libraryRoot: at('library'),
    stateDir: at('state'),
    // Loopback, in a form that is not known as such.
    httpListen: { host: '127.1', port: 0 },
    metricsTokenFile: at('metrics.token'),
    endpointFile: at('endpoint.json'),
    agentId: agent,
    coordinators: [],
    credentialFile,
    drainMs: 0,
    pythonPath: process.execPath,
    engineScript: ENGINE,
  };
  await writeFile(at('bootstrap.json'), JSON.stringify(bootstrap));
  return spawnChild({
    name: 'agent',
    command: process.execPath,
    args: [MAIN],
    tie: 'node',
    env: { ...process.env, PODCTL_AGENT_BOOTSTRAP: at('bootstrap.json') },
    stdout: 'log',
    log: (line) => {
      said += `${line}\n`;
    },
  });
}

async function connect(path: string): Promise<NatsLink> {
  const read = () => readFileSync(path, 'utf8');
  const tls = { ca: nats.authority.ca.certPem };
  const auth = { kind: 'credentials', read } as const;
  const ports = { clock: systemClock, random: Math.random, listen: () => undefined };
  const options = { servers: [nats.url], name: 'leader', auth, tls };
  return connectNats(options, ports, AbortSignal.timeout(10_000));
}

async function* audio() {
  yield await readFile(CLOCK);
}
