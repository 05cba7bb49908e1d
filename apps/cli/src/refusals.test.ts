import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FeedState } from '@podctl/proto/podctl/v1/feed.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  clockFeed,
  type FixedCoordinator,
  startFixedCoordinator,
} from '../test/fixed-coordinator.ts';
import { PODCTL, runPodctl } from '../test/run-podctl.ts';

let coordinator: FixedCoordinator;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-refusals-'));
  coordinator = await startFixedCoordinator([
    clockFeed,
    { ...clockFeed, feedId: 'gone', state: FeedState.FAILING, problem: 'HTTP 404' },
  ]);
});

afterAll(async () => {
  await coordinator.stop();
  await rm(folder, { recursive: true, force: true });
});

const podctl = (...args: string[]) =>
  runPodctl([...args, '--server', coordinator.address], { cwd: folder });
/** `up` with a data folder that must not come to be. */
async function refusedUp(...args: string[]) {
  const dataDir = join(folder, 'untouched');
  const ran = await runPodctl(['up', '--data-dir', dataDir, ...args], { cwd: folder });
  await expect(access(dataDir)).rejects.toThrow('ENOENT');
  return ran;
}

describe('an order that cannot be followed is one sentence and exit 2', () => {
  test('a port above 65535 in --server', async () => {
    const ran = await runPodctl(['status', '--server', 'host:99999']);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(
      /^podctl: the server address "host:99999" has no possible port;.*\n$/,
    );
  });

  test('a number out of its range, in our own words', async () => {
    const ran = await podctl('feed', 'add', 'https://a.example/f', '--book-score', '99');
    expect(ran.code).toBe(2);
    expect(ran.stderr).toBe(
      'podctl: --book-score is "99"; expected a whole number from 1 to 10.\n',
    );
  });

  test('a --feed that is no URL, before anything starts', async () => {
    const ran = await refusedUp('--feed', 'https://a.example/f', '--feed', 'notaurl');
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/^podctl: --feed "notaurl" is not the URL of a feed; .*\n$/);
    expect((await refusedUp('--feed', 'list.opml')).stderr).toContain('is given by --opml');
  });

  test('a file that is missing or a folder', async () => {
    const opml = await refusedUp('--opml', 'missing.opml');
    expect(opml.code).toBe(2);
    expect(opml.stderr).toBe(
      'podctl: there is no file missing.opml; name an OPML file that this user may read, or - for stdin.\n',
    );
    const config = await refusedUp('--config', 'none.yaml');
    expect(config.code).toBe(2);
    expect(config.stderr).toBe(
      'podctl: there is no file none.yaml; name another settings file with --config, or leave --config out.\n',
    );
    expect((await refusedUp('--config', folder)).stderr).toContain('is a folder, not a file');
  });

  test('a list whose every entry is refused', async () => {
    const path = join(folder, 'bad.opml');
    const outline = '<outline xmlUrl="ftp://a.example/f"/>';
    await writeFile(path, `<opml version="2.0"><body>${outline}</body></opml>`);
    const ran = await refusedUp('--opml', path, '--until-done');
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/lists no feed: .*http/);
  });
});

describe('what failed says so', () => {
  test('feed add of nothing but refused feeds is exit 1', async () => {
    const ran = await podctl('feed', 'add', 'https://bad.example/f');
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('1 refused');
  });

  test('a data folder that cannot be made says what was seen and which flag names another', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    for (const dataDir of [join(file, 'data'), '/proc/podctl']) {
      const ran = await runPodctl(['up', '--data-dir', dataDir], { cwd: folder });
      expect(ran.code).toBe(1);
      expect(ran.stderr).toMatch(
        /^podctl: \S+ cannot be used as the data folder: .*; choose another with --data-dir\.\n$/,
      );
      expect(ran.stderr).not.toMatch(/ENOENT|ENOTDIR|mkdir/);
    }
  });

  test('output that cannot be written is one sentence and exit 1', async () => {
    const full = openSync('/dev/full', 'w');
    const args = [PODCTL, 'episode', 'list', '--server', coordinator.address];
    const child = spawn(process.execPath, args, { stdio: ['ignore', full, 'pipe'] });
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8');
    });
    const [code] = await once(child, 'close');
    expect(stderr).toBe(
      'podctl: the output could not be written: the disk is full; write it elsewhere.\n',
    );
    expect(code).toBe(1);
  });

  test.each([
    ['a list', ['episode', 'list', '--server']],
    ['help', ['--help', '--server']],
  ])('a reader of %s that left is no failure, and nothing is said', async (_, words) => {
    const args = [PODCTL, ...words, coordinator.address];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8');
    });
    const [code] = await once(child, 'close');
    expect(`${code} ${stderr}`).toBe('0 ');
  });

  test('feed list says beside the table why a feed fails', async () => {
    const ran = await podctl('feed', 'list');
    expect(ran.stderr).toBe('FAILING gone: HTTP 404\n');
    expect(ran.stdout).not.toContain('HTTP 404');
    expect((await podctl('feed', 'list', '-o', 'wide')).stderr).toBe('');
  });
});
