import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensureAuthority } from '@podctl/platform/authority/authority.ts';
import { makeCa } from '@podctl/platform/authority/certificates.ts';
import { loadSettings } from '@podctl/platform/config/load.ts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { programRunner } from '../install/run-program.ts';
import { writeBundle } from './bundle.ts';
import { CONTENT_BYTES_MAX, withinLimit } from './bundle-contents.ts';
import { fail } from './core/check.ts';
import type { Examination } from './examine.ts';

const run = programRunner(new AbortController().signal);
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-bundle-'));
  vi.stubEnv('XDG_CONFIG_HOME', join(folder, 'config'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const SEED = `SU${'ABCDEFGH234567'.repeat(4)}`;
const LOST_SEED = `SA${'QRSTUVWX765432'.repeat(4)}`;
const JWT = 'eyJ0eXAiOiJKV1QifQ.eyJqdGkiOiJBQkMifQ.c2lnbmF0dXJlc2ln';
const JOIN =
  'pj1.aHR0cHM6Ly9hLmV4YW1wbGU.00112233445566778899aabbccddeeff.abcdefghij234567.joinjoinjoinjoinjoin';
const BEARER = 'pu1.ada.abcdefghijklmnopqrstuvwxyz234567';
const FEED = 'https://ada:feedpassword@feeds.example/private/pathtoken/rss?auth=querytoken';

/** Every kind of secret, in every file that is read, and what of it must be found nowhere. */
async function plant() {
  const nowMs = Date.now();
  const dataDir = join(folder, 'data');
  const authority = await ensureAuthority(join(dataDir, 'authority'), nowMs);
  const key = (await makeCa({ fromMs: nowMs, toMs: nowMs + 1e9 })).keyPem;
  const creds = `-----BEGIN NATS USER JWT-----\n${JWT}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${SEED}\n------END USER NKEY SEED------\n`;
  const credential = {
    ...{
      agent: 'gpu1',
      natsServers: ['tls://n1:4222'],
      coordinators: ['https://c1:7080'],
      caPem: 'ca',
    },
    ...{
      natsSeed: SEED,
      natsJwt: JWT,
      tlsKeyPem: key,
      tlsCertPem: 'cert',
      issuedMs: nowMs,
      expiresMs: nowMs + 1e9,
    },
  };
  const write = async (path: string, text: string) => {
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, text, { mode: 0o600 });
  };
  await write(join(dataDir, 'agent', 'credential.json'), JSON.stringify(credential));
  await write(join(dataDir, 'nats', 'tls.key'), key);
  await write(join(dataDir, 'nats', 'agent.creds'), creds);
  await write(
    join(dataDir, 'run', 'coordinator.json'),
    JSON.stringify({
      nats: { as: { kind: 'password', user: 'podctl', password: 'bootstrapword' } },
    }),
  );
  await write(join(folder, 'nats.password'), 'wordy secret phrase\n');
  await write(join(folder, 'metrics.token'), 'metricsword\n');
  await write(join(folder, 'config', 'podctl', 'contexts', 'home.token'), `${BEARER}\n`);
  await write(
    join(folder, 'podctl.yaml'),
    [
      `dataDir: ${dataDir}`,
      `nats: { url: "tls://ada:natspassword@n1:4222", user: ada, passwordFile: ${join(folder, 'nats.password')} }`,
      `security: { metricsTokenFile: ${join(folder, 'metrics.token')} }`,
      '',
    ].join('\n'),
  );
  const adminToken = (await readFile(join(dataDir, 'authority', 'admin.token'), 'utf8')).trim();
  const everything = [
    ...[JOIN, BEARER, SEED, LOST_SEED, JWT, FEED, creds, key, adminToken, authority.ca.keyPem],
    ...Object.values(authority.nats),
    ...['wordy secret phrase', 'metricsword', 'bootstrapword', 'tls://ada:natspassword@n1:4222'],
    ...[
      'authorization: Bearer opaquebearer',
      'password=plainword',
      '"apiKey":"quotedword"',
      'cookie: sid=cookieword',
    ],
  ];
  const lines = [
    ...everything,
    ...everything.map((secret) =>
      JSON.stringify({ level: 'warn', msg: `seen: ${secret}`, nested: { text: secret } }),
    ),
    '{"level":"info","msg":"the agent was welcomed","token":17}',
  ];
  await write(join(dataDir, 'logs', 'agent.log'), `${lines.join('\n')}\n`);
  await write(join(dataDir, 'logs', 'coordinator.log.1'), lines.join('\n'));
  await write(join(dataDir, 'logs', 'notes.txt'), 'not a log');
  await symlink(join(dataDir, 'nats', 'tls.key'), join(dataDir, 'logs', 'link.log'));
  const forbidden = [
    ...[JOIN, 'joinjoinjoin', BEARER, SEED, LOST_SEED, JWT, 'c2lnbmF0dXJlc2ln', adminToken],
    ...Object.values(authority.nats),
    ...[...key.split('\n'), ...authority.ca.keyPem.split('\n')].filter(
      (line) => line.length > 8 && !line.startsWith('-----'),
    ),
    ...[
      'feedpassword',
      'pathtoken',
      'querytoken',
      'natspassword',
      'secret phrase',
      'metricsword',
      'bootstrapword',
    ],
    ...['opaquebearer', 'plainword', 'quotedword', 'cookieword', 'envword'],
  ];
  return { dataDir, everything, forbidden };
}

async function examinationOf(everything: readonly string[]): Promise<Examination> {
  const settings = await loadSettings({
    file: join(folder, 'podctl.yaml'),
    dataDir: folder,
    version: '0.1.0',
  });
  const all = everything.join(' ; ');
  return {
    checks: [fail('agent-nats', `it says: ${all}`, `look at ${all}`)],
    documents: {
      status: null,
      agents: [{ problem: all } as never],
      locks: [],
      diagnosis: null,
    },
    settings,
    endpoint: {
      addresses: ['c1:7070'],
      origin: 'x',
      ca: null,
      token: 'pu1.env.envwordenvwordenvword2345',
    },
    here: null,
  };
}

async function unpacked(path: string): Promise<string> {
  const out = join(folder, 'out');
  await mkdir(out);
  await promisify(execFile)('tar', ['-xzf', path, '-C', out]);
  return out;
}

describe('a bundle', () => {
  it('has none of the secrets that lie in the files, settings and answers it is made of', async () => {
    const { everything, forbidden } = await plant();
    const path = join(folder, 'b.tar.gz');
    const names = await writeBundle(
      path,
      await examinationOf([...everything, 'envwordenvwordenvword2345']),
      '0.1.0',
      run,
    );
    expect(names).toEqual([
      ...[
        'report.json',
        'settings.json',
        'fleet/status.json',
        'fleet/agents.json',
        'fleet/locks.json',
        'fleet/diagnosis.json',
      ],
      ...['logs/agent.log', 'logs/coordinator.log.1'],
    ]);
    const out = await unpacked(path);
    for (const name of names) {
      const text = await readFile(join(out, name), 'utf8');
      for (const secret of forbidden)
        expect(text.includes(secret), `${secret} in ${name}`).toBe(false);
    }
    expect(await readFile(join(out, 'logs/agent.log'), 'utf8')).toContain(
      '{"level":"info","msg":"the agent was welcomed","token":17}',
    );
  });

  it('is for its owner alone, holds JSON, and keeps what helps', async () => {
    const { dataDir } = await plant();
    const path = join(folder, 'b.tar.gz');
    const names = await writeBundle(path, await examinationOf(['a word']), '0.1.0', run);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const out = await unpacked(path);
    const json = async (name: string) => JSON.parse(await readFile(join(out, name), 'utf8'));
    for (const name of names.filter((one) => one.endsWith('.json'))) await json(name);
    expect(await json('report.json')).toMatchObject({
      podctl: '0.1.0',
      checks: [{ id: 'agent-nats', outcome: 'fail' }],
    });
    expect(await json('settings.json')).toMatchObject({
      dataDir,
      nats: { user: 'ada', passwordFile: join(folder, 'nats.password') },
    });
  });

  it('stays under its limit, with the ends of the logs', async () => {
    const { dataDir } = await plant();
    const line = `${'the agent works and works '.repeat(4)}\n`;
    for (let i = 0; i < 30; i += 1)
      await writeFile(join(dataDir, 'logs', `a${i}.log`), `${line.repeat(9_000)}the end of ${i}\n`);
    const path = join(folder, 'b.tar.gz');
    await writeBundle(path, await examinationOf([]), '0.1.0', run);
    const out = await unpacked(path);
    const logs = await readdir(join(out, 'logs'));
    expect(logs).toHaveLength(12);
    const text = await readFile(join(out, 'logs', logs[0] ?? ''), 'utf8');
    expect(text).toMatch(/^\(\d+ bytes before this are left out\)\nthe agent works/);
    expect(text).toMatch(/the end of \d+\n$/);
    expect(text.length).toBeLessThan(600_000);
  });

  it('leaves out what does not fit, and names it', () => {
    const of = (name: string, bytes: number) => ({ name, data: Buffer.alloc(bytes) });
    const files = withinLimit([of('a', 1), of('b', CONTENT_BYTES_MAX), of('c', 2)]);
    expect(files.map(({ name }) => name)).toEqual(['a', 'c', 'left-out.txt']);
    expect(String(files[2]?.data)).toBe('b\n');
  });

  it('does not write over a file, and says so', async () => {
    await plant();
    const path = join(folder, 'b.tar.gz');
    await writeFile(path, 'mine');
    await expect(writeBundle(path, await examinationOf([]), '0.1.0', run)).rejects.toMatchObject({
      exitCode: 8,
      message: `${path} is there already; name another file, or remove it first`,
    });
    expect(await readFile(path, 'utf8')).toBe('mine');
  });
});
