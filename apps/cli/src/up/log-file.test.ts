import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openLogFile } from './log-file.ts';

test.skipIf(!existsSync('/dev/full'))(
  'a log goes on when its full disk has room again, and says what is missing',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'podctl-log-'));
    const path = join(folder, 'agent.log');
    await symlink('/dev/full', path);
    const log = openLogFile(path);
    for (let i = 0; i < 3; i += 1) {
      log.write(`lost ${i}`);
      await new Promise(setImmediate);
    }
    await rm(path);
    await writeFile(path, '');
    while ((await readFile(path, 'utf8')) === '') log.write('found');
    await log.close();
    expect(await readFile(path, 'utf8')).toMatch(/^\(\d+ lines are left out: .*\)\nfound\n/);
    await rm(folder, { recursive: true });
  },
);

test('a log that cannot be moved away begins anew, and one whose folder is gone throws at nobody', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-log-'));
  const path = join(folder, 'agent.log');
  await mkdir(join(`${path}.1`, 'x'), { recursive: true });
  const first = openLogFile(path, 100);
  for (let i = 0; i < 10; i += 1) first.write(`line ${i} ${'x'.repeat(20)}`);
  await first.close();
  expect(await readFile(path, 'utf8')).toMatch(/line 9 x+\n$/);
  const log = openLogFile(path, 100);
  await rm(folder, { recursive: true });
  for (let i = 0; i < 10; i += 1) log.write(`later ${i} ${'x'.repeat(20)}`);
  await log.close();
});

test('a log keeps its newest lines in two files of bounded size', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-log-'));
  const path = join(folder, 'logs', 'agent.log');
  for (let round = 0; round < 3; round += 1) {
    const log = openLogFile(path, 100);
    for (let i = 0; i < 5; i += 1) log.write(`round ${round} line ${i} ${'x'.repeat(20)}`);
    await log.close();
  }
  expect((await readdir(join(folder, 'logs'))).sort()).toEqual(['agent.log', 'agent.log.1']);
  const text = (await readFile(`${path}.1`, 'utf8')) + (await readFile(path, 'utf8'));
  expect(text.length).toBeLessThanOrEqual(200);
  expect(text.trimEnd()).toMatch(/round 2 line 4 x+$/);
  await rm(folder, { recursive: true });
});
