import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { agentId } from '@podctl/domain/ids.ts';
import { parseJoinToken } from '@podctl/domain/join-token.ts';
import { wordErrorRate } from '@podctl/domain/transcript/word-error-rate.ts';
import { writeAgentCredential } from '@podctl/platform/agent-credential.ts';
import { authorityPaths } from '@podctl/platform/authority/authority.ts';
import { joinFleet } from '@podctl/platform/enrolment-client.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { waitInFolder } from '../../apps/cli/src/up/file-wait.ts';
import { CuttingProxy } from '../support/byte-world.ts';
import { type SecureNats, startSecureNats } from '../support/secure-nats.ts';
import { pythonRoot } from './up-run.ts';

const PODCTL = fileURLToPath(new URL('../../apps/cli/bin/podctl.js', import.meta.url));
const SAMPLE = new URL('../../examples/sample/the-clockmakers/', import.meta.url);
/** Covers a folder for one program and its children: what is in it is not there for them, as on another machine. */
const HIDE = 'mount -t tmpfs podctl-test "$1" && shift && exec "$@"';
const isRoot = process.getuid?.() === 0;

let folder: string;
let fleet: string;
let machine: string;
let nats: SecureNats;
let host: Server;
let proxy: CuttingProxy;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-join-'));
  fleet = join(folder, 'fleet');
  machine = join(folder, 'machine');
  await mkdir(fleet);
  await mkdir(machine);
  nats = await startSecureNats();
  host = await podcastHost();
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  await proxy.stop();
  host.closeAllConnections();
  host.close();
  await nats.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

test('an agent that joined from another machine, without the library’s disk, does the whole job over TLS, a coordinator killed in mid-upload', {
  timeout: 120_000,
}, async () => {
  const bytesPort = await freePort();
  const grpcPort = await freePort();
  proxy = new CuttingProxy(() => bytesPort);
  await proxy.start();
  await writeFile(join(fleet, 'podctl.yaml'), coordinatorSettings(grpcPort, bytesPort));
  await writeFile(join(machine, 'podctl.yaml'), agentSettings());
  const cut = Promise.withResolvers<void>();
  proxy.cuts.push({ direction: 'up', bytes: 100_000 });
  proxy.onCut = cut.resolve;
  const first = coordinator();
  await endpoint();
  const server = `127.0.0.1:${grpcPort}`;
  await joined(server);
  const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}/feed.xml`;
  expect((await podctl(fleet, 'feed', 'add', url, '--server', server)).code).toBe(0);
  const agent = podctlFrom(machine, ['agent', 'run']);

  await cut.promise;
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  await rm(join(fleet, 'data/endpoint.json'));
  coordinator();
  await endpoint();
  const watched = await podctl(
    fleet,
    'watch',
    '-o',
    'jsonl',
    '--until',
    'done',
    '--server',
    server,
  );
  expect(watched.code, `${watched.stderr}${agent.said()}`).toBe(0);

  const library = join(fleet, 'data/library');
  const texts = (await filesBelow(join(library, 'podcasts'))).filter((path) =>
    path.endsWith('.txt'),
  );
  expect(texts).toHaveLength(1);
  const expected = await readFile(new URL('clock-01.txt', SAMPLE), 'utf8');
  const heard = await readFile(texts[0] ?? '', 'utf8');
  expect(wordErrorRate([{ expected, heard }])).toBeLessThanOrEqual(0.2);
  expect(proxy.done).toBe(1);
  // Nothing of a library was made on the machine, and of the attempts nothing is left there.
  await expect(access(join(machine, 'data/library'))).rejects.toThrow('ENOENT');
  const spooled = await filesBelow(join(machine, 'data/agent/spool/staging'));
  expect(spooled.filter((path) => !path.includes('/staging/input/'))).toEqual([]);
  const { stdout } = await podctl(fleet, 'agent', 'list', '--json', '--server', server);
  expect(stdout).toContain('"far"');
  agent.child.kill('SIGTERM');
  await once(agent.child, 'exit');
});

test('a join token that is wrong is one sentence, and exit 2', async () => {
  proxy = new CuttingProxy(() => 0);
  await proxy.start();
  const joinFile = join(machine, 'token');
  await writeFile(joinFile, 'pj1.changed.token\n');
  const { code, stderr } = await podctl(machine, 'agent', 'run', '--join-file', joinFile);
  expect([code, stderr]).toEqual([
    2,
    `podctl: the join token from ${joinFile} cannot be used: a part of it is missing or was changed: copy the whole of it; "podctl agent token create" makes one.\n`,
  ]);
});

/** Joins by a token, and from then on speaks to the coordinator through the proxy. */
async function joined(server: string): Promise<void> {
  const made = await podctl(fleet, 'agent', 'token', 'create', '--server', server);
  const token = parseJoinToken(made.stdout);
  const agent = agentId('far');
  if (!token.ok || !agent.ok) throw new Error(made.stderr);
  const credential = await joinFleet(token.value, agent.value, {
    signal: AbortSignal.timeout(30_000),
  });
  if (!credential.ok) throw new Error(credential.error.sentence);
  await writeAgentCredential(join(machine, 'data/agent/credential.json'), {
    ...credential.value,
    coordinators: [proxy.url.replace('http:', 'https:')],
  });
}

function coordinator() {
  return podctlFrom(fleet, ['coordinator', 'run']);
}

function coordinatorSettings(grpcPort: number, bytesPort: number): string {
  return [
    `nats: {url: "${nats.url}"}`,
    `security: {authority: "${nats.authority.folder}"}`,
    'network: {allowPrivate: true}',
    'library: {freeFloor: 0B}',
    'retry: {backoffFirst: 100ms}',
    'coordinator:',
    '  advertise: "127.0.0.1"',
    `  grpc: {listen: "127.0.0.1:${grpcPort}"}`,
    `  bytes: {listen: "127.0.0.1:${bytesPort}"}`,
    '',
  ].join('\n');
}

function agentSettings(): string {
  return ['agent: {id: far}', 'network: {allowPrivate: true}', 'library: {freeFloor: 0B}', ''].join(
    '\n',
  );
}

function podctlFrom(cwd: string, args: readonly string[]) {
  const own = [process.execPath, PODCTL, ...args, '--data-dir', join(cwd, 'data')];
  const hidden = cwd === machine && isRoot ? ['unshare', '-m', 'sh', '-c', HIDE, 'sh', fleet] : [];
  const [program = '', ...rest] = [...hidden, ...own];
  const child = spawn(program, rest, {
    cwd,
    env: {
      ...process.env,
      HOME: folder,
      PODCTL_PYTHON_ROOT: pythonRoot().root,
      PODCTL_CA_FILE: authorityPaths(nats.authority.folder).caCertificate,
      PODCTL_TOKEN_FILE: authorityPaths(nats.authority.folder).adminToken,
      HF_HUB_OFFLINE: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => {
    output.stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    output.stderr += chunk.toString();
  });
  return { child, output, said: () => output.stderr + output.stdout };
}

async function podctl(cwd: string, ...args: string[]) {
  const { child, output } = podctlFrom(cwd, args);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
}

/** Of the coordinator that runs now. */
async function endpoint(): Promise<void> {
  const data = join(fleet, 'data');
  await mkdir(data, { recursive: true });
  const look = () => readFile(join(data, 'endpoint.json'), 'utf8').catch(() => null);
  await waitInFolder(data, look, AbortSignal.timeout(30_000));
}

async function podcastHost(): Promise<Server> {
  const audio = await readFile(new URL('clock-01.mp3', SAMPLE));
  const server = createServer((request, response) => {
    if (request.url === '/one.mp3') {
      response.end(audio);
      return;
    }
    const enclosure = `<enclosure url="http://${request.headers.host}/one.mp3" type="audio/mpeg" length="${audio.length}"/>`;
    response.setHeader('content-type', 'application/rss+xml');
    response.end(
      `<?xml version="1.0"?><rss version="2.0"><channel><title>Clocks</title><item><guid>one</guid><title>One</title>${enclosure}</item></channel></rss>`,
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function freePort(): Promise<number> {
  const server = createTcpServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name));
}
