import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  issueForServer,
  type KeyedCertificate,
  makeCa,
} from '@podctl/platform/authority/certificates.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { JOIN_TOKEN_ID } from './fixed-access.ts';
import { type FixedCoordinator, startFixedCoordinator } from './fixed-coordinator.ts';
import { runPodctl } from './run-podctl.ts';
import { runOnTerminal } from './terminal.ts';

const TOKEN = `pu1.ada.${'a'.repeat(32)}`;

let root: string;
let ca: KeyedCertificate;
let guarded: FixedCoordinator;
let open: FixedCoordinator;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'podctl-access-'));
  const validity = { fromMs: Date.now(), toMs: Date.now() + 3_600_000 };
  ca = await makeCa(validity);
  const certificate = await issueForServer(ca, ['127.0.0.1'], validity);
  guarded = await startFixedCoordinator([], { certificate, token: TOKEN });
  open = await startFixedCoordinator();
  await writeFile(join(root, 'ca.crt'), ca.certPem);
});
afterAll(async () => {
  await guarded.stop();
  await open.stop();
  await rm(root, { recursive: true, force: true });
});
beforeEach(() => {
  open.ordered.length = 0;
});

/** With contexts of the test's own. */
const podctl = (args: readonly string[], input = '', folder = 'config') =>
  runPodctl(args, { input, cwd: root, env: { XDG_CONFIG_HOME: join(root, folder) } });
const onOpen = (...args: string[]) => podctl([...args, '--server', open.address]);

describe('contexts', () => {
  test('one added with a token on stdin is used, validated, shown and removed', async () => {
    const given = ['--server', guarded.address, '--ca-file', 'ca.crt', '--token-file', '-'];
    const added = await podctl(['context', 'add', 'home', ...given, '--use'], `${TOKEN}\n`);
    expect(added).toMatchObject({ code: 0, stdout: '' });
    expect(added.stderr).toContain('Added the context home');
    const stored = join(root, 'config/podctl/contexts/home.token');
    expect((await stat(stored)).mode & 0o777).toBe(0o600);

    const [validated, shown, again] = await Promise.all([
      podctl(['context', 'validate']),
      podctl(['context', 'show']),
      podctl(['context', 'add', 'home', ...given], TOKEN),
    ]);
    expect(validated.code).toBe(0);
    expect(validated.stderr).toBe(
      'You are ada there, with the role admin. The way there is encrypted.\n',
    );
    expect(shown.stdout).toMatch(/^Context {3}home \(current\)\n/);
    expect(shown.stdout).toContain(`Token     in ${stored}`);
    expect(shown.stdout).not.toContain(TOKEN);
    expect(again.code).toBe(8);
    expect(again.stderr).toContain('--force');
    const removed = await podctl(['context', 'remove', 'home', '--yes']);
    expect(removed.stderr).toContain('The current one is "local" now');
    await expect(readFile(stored)).rejects.toThrow('ENOENT');
  });

  test('validate tells which coordinator fails and why, and exits 7', async () => {
    const servers = `${open.address},${guarded.address}`;
    const ran = await podctl(['context', 'validate', '--server', servers, '--json']);
    expect(ran.code).toBe(7);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      valid: false,
      servers: [{ problem: '' }, { problem: expect.stringContaining('name its CA') }],
    });
  });

  test('a token is not taken for coordinators that it would reach in the clear', async () => {
    const given = ['--server', 'gpu.example.org:7070', '--token-file', '-'];
    const ran = await podctl(['context', 'add', 'far', ...given], TOKEN, 'clear');
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(
      /^podctl: the token would go to gpu\.example\.org:7070 unencryp.*\n$/,
    );
    await expect(stat(join(root, 'clear'))).rejects.toThrow('ENOENT');
  });
});

describe('machines', () => {
  test('agent token create prints the line to paste alone, and says how long it is good', async () => {
    const asked = ['--name', 'gpu-1', '--ttl', '2h', '--print-command'];
    const ran = await onOpen('agent', 'token', 'create', ...asked);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toBe(
      ` printf '%s\\n' 'pj1.aaaa.${JOIN_TOKEN_ID}.secret' | sudo podctl agent install --join-file - --name gpu-1\n`,
    );
    expect(ran.stderr).toContain('good for 2h00m and lets in the agent gpu-1');
    expect(ran.stderr).toContain(`"podctl agent token revoke ${JOIN_TOKEN_ID}" ends the token`);
    expect(open.ordered).toMatchObject([
      { usesMax: 1, agentId: 'gpu-1', ttl: { seconds: 7_200n } },
    ]);
  });

  test('what ends an access for good asks for --yes where nobody can be asked', async () => {
    const before = open.ordered.length;
    for (const words of [
      ['user', 'revoke', 'ada'],
      ['agent', 'token', 'revoke', JOIN_TOKEN_ID],
    ]) {
      const ran = await onOpen(...words, '--no-input');
      expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('add --yes')]);
    }
    expect(open.ordered).toHaveLength(before);
    expect((await onOpen('user', 'revoke', 'ada', '-y')).code).toBe(0);
  });

  test('a whole token in place of its id does not come back in the error', async () => {
    const ran = await onOpen('agent', 'token', 'revoke', 'pj1.aaaa.secret');
    expect(ran.code).toBe(2);
    expect(ran.stderr).not.toContain('pj1');
  });
});

describe('agent remove', () => {
  test('tells that it is done, and what becomes of the work', async () => {
    const done = await onOpen('agent', 'remove', 'gpu-1', '--yes');
    expect(done.code).toBe(0);
    expect(done.stderr).toContain('its connection has ended. What it worked on is given to other');
    expect(open.ordered).toEqual([{ method: 'revokeAgent', agentId: 'gpu-1' }]);
  });

  test('asks at a terminal, and takes silence for no', async () => {
    const run = runOnTerminal(['agent', 'remove', 'gpu-3', '--server', open.address], 100, 10);
    await run.until((rows) => rows.some((row) => row.includes('[y/N]')));
    run.pty.write('\r');
    expect(await run.ended).toBe(1);
    expect(run.written()).toContain('nothing was changed');
    expect(open.ordered).toEqual([]);
  });
});

describe('people', () => {
  test('user create writes the token into a file of its own and not on stdout', async () => {
    const path = join(root, 'bob.token');
    const made = await onOpen('user', 'create', 'bob', '--role', 'viewer', '--output-file', path);
    expect(made).toMatchObject({ code: 0, stdout: '' });
    expect(made.stderr).toContain('"podctl user revoke bob" puts them out');
    expect(await readFile(path, 'utf8')).toBe('pu1.bob.secret\n');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('user list shows who was let in and who is out', async () => {
    const ran = await onOpen('user', 'list');
    expect(ran.stdout).toMatch(/^NAME +ROLE +STATE +AGE +BY +REVOKED\nada +admin +active .* -\n/);
    expect(ran.stdout).toMatch(/\nbob +viewer +revoked /);
  });
});
