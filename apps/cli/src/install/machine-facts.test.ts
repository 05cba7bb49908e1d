import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { otherOwner } from './machine-facts.ts';

test('a folder is an agent’s while it holds nothing but what an agent writes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-owner-'));
  for (const name of ['agent', 'cache', 'python-0123456789ab', 'lost+found'])
    await mkdir(join(folder, name));
  expect(await otherOwner(folder)).toBeNull();
  expect(await otherOwner(join(folder, 'missing'))).toBeNull();
  await writeFile(join(folder, 'music.mp3'), '');
  expect(await otherOwner(folder)).toBe('somebody else (it holds "music.mp3")');
  await mkdir(join(folder, 'nats'));
  expect(await otherOwner(folder)).toBe('a coordinator or "podctl up"');
  await rm(folder, { recursive: true });
});
