import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openLogFile } from './log-file.ts';

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
