import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nvidiaGpus } from './nvidia-smi.ts';
import { failureWords, programRunner } from './run-program.ts';

const run = programRunner(new AbortController().signal);
let folder: string;
let pathBefore: string | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-smi-'));
  pathBefore = process.env.PATH;
  process.env.PATH = `${folder}:/usr/bin:/bin`;
});
afterEach(async () => {
  process.env.PATH = pathBefore;
  await rm(folder, { recursive: true });
});

/** An nvidia-smi that says so. */
async function smi(script: string) {
  const path = join(folder, 'nvidia-smi');
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

test('GPUs are named, their MIG devices passed over, and their memory told', async () => {
  await smi(`case "$1" in
-L) echo 'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-5a2c)'; echo '  MIG 1g.10gb Device 0: (UUID: MIG-77)'; echo 'GPU 1: NVIDIA A2';;
*) echo 1234; echo '[N/A]';;
esac`);
  const gpus = nvidiaGpus(run);
  expect(await gpus.look()).toEqual({
    kind: 'gpus',
    names: ['NVIDIA H100 80GB HBM3', 'NVIDIA A2'],
  });
  expect(await gpus.memoryUsedMib()).toEqual([1_234]);
});

test('a machine without a driver has none, and a driver that does not work is told', async () => {
  const gpus = nvidiaGpus(run);
  process.env.PATH = folder;
  expect(await gpus.look()).toMatchObject({ kind: 'none' });
  expect(await gpus.memoryUsedMib()).toBeNull();
  process.env.PATH = `${folder}:/usr/bin:/bin`;
  await smi(
    'echo "NVIDIA-SMI has failed because it couldn\'t communicate with the NVIDIA driver."; exit 9',
  );
  expect(await gpus.look()).toMatchObject({
    kind: 'broken',
    why: expect.stringContaining('communicate with the NVIDIA driver'),
  });
});

test('a program that hangs is killed after its time', async () => {
  await smi('exec sleep 60');
  const argv = ['nvidia-smi', '-L'];
  const end = await run(argv, { timeoutMs: 100 });
  expect(end).toEqual({ kind: 'late' });
  expect(failureWords(argv, end, 100)).toBe('"nvidia-smi -L" did not end within 0.1 s');
});
