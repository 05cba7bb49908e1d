import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  issueForServer,
  type KeyedCertificate,
  makeCa,
} from '@podctl/platform/authority/certificates.ts';
import { loadSettings } from '@podctl/platform/config/load.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ExamineRequest, examine } from '../src/doctor/examine.ts';
import { type Asked, chooseEndpoint } from '../src/endpoint.ts';
import { type FixedCoordinator, startFixedCoordinator } from './fixed-coordinator.ts';
import { runPodctl, startPodctl } from './run-podctl.ts';

const TOKEN = `pu1.ada.${'a'.repeat(32)}`;
const HOUR_MS = 3_600_000;

let root: string;
let open: FixedCoordinator;
let guarded: FixedCoordinator;
let expired: FixedCoordinator;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'podctl-doctor-'));
  const nowMs = Date.now();
  const ca = await makeCa({ fromMs: nowMs - HOUR_MS, toMs: nowMs + 1_000 * 24 * HOUR_MS });
  const issue = (toMs: number): Promise<KeyedCertificate> =>
    issueForServer(ca, ['127.0.0.1'], { fromMs: nowMs - 3 * HOUR_MS, toMs });
  open = await startFixedCoordinator();
  guarded = await startFixedCoordinator([], {
    certificate: await issue(nowMs + 90 * 24 * HOUR_MS),
    token: TOKEN,
  });
  expired = await startFixedCoordinator([], { certificate: await issue(nowMs - 2 * HOUR_MS) });
  await writeFile(join(root, 'ca.crt'), ca.certPem);
  await writeFile(join(root, 'token'), `${TOKEN}\n`);
  await writeFile(join(root, 'other-token'), `pu1.eve.${'e'.repeat(32)}\n`);
});
afterAll(async () => {
  await Promise.all([open.stop(), guarded.stop(), expired.stop()]);
  await rm(root, { recursive: true, force: true });
});

function podctl(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const own = { XDG_CONFIG_HOME: join(root, 'config'), XDG_DATA_HOME: join(root, 'data'), ...env };
  return runPodctl(['doctor', ...args], { cwd: root, env: own });
}

/** What the command would tell, in this process: `outcome: seen` of each check. */
async function checksOf(asked: Partial<Asked>, change: Partial<ExamineRequest> = {}, env = {}) {
  const dataDir = join(root, 'data');
  const settings = () => loadSettings({ file: null, dataDir, version: '0.1.0' });
  const request: ExamineRequest = {
    ...{
      podctlVersion: '0.1.0',
      dataDir,
      monitor: null,
      callMs: 4_000,
      agentWanted: false,
      settings,
    },
    endpoint: () =>
      chooseEndpoint({ dataDir, isDataDirNamed: false, ...asked }, env, join(root, 'config')),
    installed: async () => null,
    ...change,
  };
  const { checks } = await examine(request, new AbortController().signal);
  return {
    said: new Map(checks.map(({ id, outcome, seen }) => [id, `${outcome}: ${seen}`])),
    failed: checks.filter(({ outcome }) => outcome === 'fail').map(({ id, seen }) => [id, seen]),
  };
}

describe('what is found', () => {
  const tls = () => ({ server: guarded.address, caFile: join(root, 'ca.crt') });

  test('no coordinator known, and no agent where one must be', async () => {
    const { failed } = await checksOf({});
    expect(failed).toEqual([['context', expect.stringContaining('no coordinator is known')]]);
    const agent = await checksOf({}, { agentWanted: true });
    expect([...agent.said.keys()]).toEqual(['client', 'context', 'settings', 'agent']);
    expect(agent.failed).toEqual([['agent', 'no agent is installed on this machine']]);
  });

  test('under TLS with the right token all is well', async () => {
    const { said, failed } = await checksOf(tls(), {}, { PODCTL_TOKEN_FILE: join(root, 'token') });
    expect(failed).toEqual([]);
    expect(said.get('tls')).toMatch(
      /^ok: TLSv1\.3, the certificate of .* is good for 89d23h more$/,
    );
    expect(said.get('token')).toBe('ok: you are ada, admin');
  });

  test.each([
    ['another token', { PODCTL_TOKEN_FILE: 'other-token' }, 'does not take your token'],
    ['no token', {}, 'asks who you are'],
  ])('%s fails the token alone', async (_, env, words) => {
    const there = Object.fromEntries(Object.entries(env).map(([k, v]) => [k, join(root, v)]));
    const { said, failed } = await checksOf(tls(), {}, there);
    expect(failed).toEqual([['token', expect.stringContaining(words)]]);
    expect(said.get('coordinator')).toBe('skipped: the coordinator tells it only to whom it knows');
  });

  test('an expired certificate fails TLS alone', async () => {
    const { failed } = await checksOf({ server: expired.address, caFile: join(root, 'ca.crt') });
    expect(failed).toEqual([
      [
        'tls',
        `the certificate of the coordinator at ${expired.address} has expired, or the clock here is ahead`,
      ],
    ]);
  });

  test('settings that cannot be used are a finding, not the end', async () => {
    const settings = () => Promise.reject(new Error('podctl.yaml: agent.slots is 3'));
    const { said, failed } = await checksOf({ server: open.address }, { settings });
    expect(failed).toEqual([['settings', 'podctl.yaml: agent.slots is 3']]);
    expect(said.get('coordinator')).toContain('ok');
  });
});

describe('podctl doctor', () => {
  test('ends with 0 beside a coordinator that is well, and tells what an older one does not know', async () => {
    const { code, stdout, stderr } = await podctl(['--server', open.address]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^CHECK +RESULT +SEEN\n/);
    expect(stdout).toMatch(/^coordinator +ok +c1 at 127\.0\.0\.1:\d+ leads, term 3$/m);
    expect(stdout).toMatch(/^token +ok +nobody is asked for a token there$/m);
    expect(stdout).toMatch(
      /^nats +skipped +the coordinator at .* does not know this request\n {4}fix: "podctl version"/m,
    );
    expect(stderr).toMatch(/^\d+ ok, /);
  });

  test('a coordinator that is gone fails the reach alone, and ends with 7', async () => {
    const gone = await startFixedCoordinator();
    await gone.stop();
    const { code, stdout, stderr } = await podctl(['--server', gone.address, '-q']);
    expect(code).toBe(7);
    expect(stdout).toBe(
      `CHECK  RESULT  SEEN\nreach  FAIL    ${gone.address} not: nothing listens there (connection refused)\n    fix: start the coordinator there, open its port for this machine, or name another with --server host:port\n`,
    );
    expect(stderr).toBe('');
  });

  test('Ctrl-C ends it at once with 130', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined).resume());
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const doctor = startPodctl(['doctor', '--server', `127.0.0.1:${port}`], { cwd: root });
    await once(silent, 'connection');
    doctor.child.kill('SIGINT');
    expect(await doctor.ended).toMatchObject({ code: 130, stdout: '' });
    silent.close();
  });

  test('a bundle is a file for its owner alone, beside the report as JSON', async () => {
    const args = ['--server', guarded.address, '--ca-file', 'ca.crt', '--bundle', 'b.tar.gz'];
    const env = { PODCTL_TOKEN_FILE: join(root, 'token') };
    const { code, stdout } = await podctl([...args, '--json'], env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ apiVersion: 'podctl/v1', healthy: true, bundle: 'b.tar.gz' },
    });
    expect((await stat(join(root, 'b.tar.gz'))).mode & 0o777).toBe(0o600);
  });

  test('a monitoring address with a password is refused without repeating it', async () => {
    const { code, stderr } = await podctl(['--nats-monitor', 'http://ada:hunter2@n1:8222']);
    expect(code).toBe(2);
    expect(stderr).not.toContain('hunter2');
  });
});
