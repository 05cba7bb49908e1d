import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EXIT } from '../command-error.ts';
import { withNewPrivateFile } from '../private-file.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-private-'));
  path = join(folder, 'token');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('the file is there and private before the secret is asked for', async () => {
  await withNewPrivateFile(path, async (write) => {
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await write('a secret');
  });
  expect(await readFile(path, 'utf8')).toBe('a secret');
});

test('nothing is left when the secret was refused', async () => {
  const refused = withNewPrivateFile(path, () => Promise.reject(new Error('refused')));
  await expect(refused).rejects.toThrow('refused');
  await expect(stat(path)).rejects.toThrow('ENOENT');
});

test('a file that is there stays as it is, and nothing is asked for', async () => {
  await writeFile(path, 'mine');
  let asked = false;
  const refused = withNewPrivateFile(path, async () => {
    asked = true;
  });
  await expect(refused).rejects.toMatchObject({ exitCode: EXIT.conflict });
  expect(await readFile(path, 'utf8')).toBe('mine');
  expect(asked).toBe(false);
});

test('a folder that is not there is told in words', async () => {
  const nowhere = join(folder, 'none', 'token');
  await expect(withNewPrivateFile(nowhere, async () => {})).rejects.toMatchObject({
    exitCode: EXIT.failed,
    message: expect.stringContaining('cannot be written'),
  });
});
