import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { cudaRequirementsPath } from './bootstrap.ts';
import { findCudaLibraries, hasCudaWheels } from './cuda-libraries.ts';

test('CUDA’s libraries are found in an environment of theirs that is whole, and are pinned with a hash', async () => {
  const root = await mkdtemp(join(tmpdir(), 'podctl-cuda-'));
  onTestFinished(() => rm(root, { recursive: true }));
  expect(await findCudaLibraries(root)).toBeNull();
  const folder = join(root, 'python-0123456789ab');
  const text = await readFile(cudaRequirementsPath());
  const requirements = createHash('sha256').update(text).digest('hex');
  const interpreter = join(folder, 'bin', 'python');
  const libraries = join(folder, 'lib', 'python3.12', 'site-packages', 'nvidia', 'cublas', 'lib');
  await mkdir(join(folder, 'bin'), { recursive: true });
  await mkdir(libraries, { recursive: true });
  await writeFile(interpreter, '');
  expect(await findCudaLibraries(root)).toBeNull();
  await writeFile(join(folder, '.complete'), JSON.stringify({ requirements, interpreter }));
  expect(await findCudaLibraries(root)).toBe(libraries);
  expect(text.toString()).toMatch(
    /^nvidia-cublas-cu12==12\.[\d.]+ ;.*\\\n {4}--hash=sha256:[0-9a-f]{64}$/m,
  );
});

test('only Linux on x86_64 has an engine that knows CUDA', () => {
  expect(hasCudaWheels('linux', 'x64')).toBe(true);
  expect(hasCudaWheels('linux', 'arm64')).toBe(false);
  expect(hasCudaWheels('darwin', 'arm64')).toBe(false);
});
