import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checksumOf } from '../src/model/checksums.ts';
import { runPodctl } from './run-podctl.ts';

let folder: string;
let model: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-model-'));
  model = join(folder, 'source');
  await mkdir(model);
  await writeFile(join(model, 'model.bin'), 'weights');
  await writeFile(join(model, 'config.json'), '{}');
  await writeFile(join(model, 'tokenizer.json'), '{}');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const podctl = (...args: string[]) =>
  runPodctl([...args, '--data-dir', join(folder, 'data')], {
    env: { HF_HOME: join(folder, 'hf'), HF_HUB_CACHE: '', PODCTL_PYTHON_ROOT: '' },
  });
const list = async (...args: string[]) => {
  const ran = await podctl('model', 'list', '--json', ...args);
  return { code: ran.code, items: JSON.parse(ran.stdout).items };
};

test('a model is imported with its checksums, found damaged when a byte changes, and removed', async () => {
  const made = await podctl('model', 'import', model, '--name', 'mine');
  expect([made.code, made.stdout]).toEqual([0, '']);
  expect(made.stderr).toContain('Imported the model mine');
  const again = await podctl('model', 'import', model, '--name', 'mine');
  expect([again.code, again.stderr]).toEqual([8, expect.stringContaining('already')]);

  const { sha256 } = await checksumOf(join(model, 'model.bin'));
  const intact = await list('--verify');
  expect(intact).toMatchObject({
    code: 0,
    items: [{ name: 'mine', origin: 'imported', sizeBytes: 11, sha256, state: 'intact' }],
  });
  await writeFile(join(folder, 'data/models/mine/config.json'), '[]');
  expect(await list('--verify')).toMatchObject({ code: 7, items: [{ state: 'damaged' }] });

  const asked = await podctl('model', 'remove', 'mine');
  expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining('--yes')]);
  expect((await podctl('model', 'remove', 'mine', '-y')).code).toBe(0);
  expect(await readdir(join(folder, 'data/models'))).toEqual([]);
  expect((await podctl('model', 'remove', 'mine', '-y')).code).toBe(3);
});

test('what is no model leaves nothing behind, nor does a name that leads elsewhere', async () => {
  await rm(join(model, 'tokenizer.json'));
  const part = await podctl('model', 'import', model, '--name', 'mine');
  expect([part.code, part.stderr]).toEqual([2, expect.stringContaining('no tokenizer.json')]);
  expect((await podctl('model', 'import', model, '--name', '../mine')).code).toBe(2);
  expect((await podctl('model', 'import', join(folder, 'none'), '--name', 'x')).code).toBe(2);
  expect((await list()).items).toEqual([]);
});

test('models in the cache of the hub are listed with revision and hash, and verified by it', async () => {
  const { sha256 } = await checksumOf(join(model, 'model.bin'));
  const repository = join(folder, 'hf/hub/models--Systran--faster-whisper-small.en');
  const snapshot = join(repository, 'snapshots/abc123');
  await mkdir(join(repository, 'blobs'), { recursive: true });
  await mkdir(snapshot, { recursive: true });
  const blob = join(repository, 'blobs', sha256);
  await writeFile(blob, 'weights');
  await symlink(blob, join(snapshot, 'model.bin'));
  for (const name of ['config.json', 'tokenizer.json']) await writeFile(join(snapshot, name), '{}');
  expect((await list('--verify')).items).toMatchObject([
    { name: 'small.en', origin: 'cache', revision: 'abc123', sha256, state: 'intact' },
  ]);
  await writeFile(blob, 'weightz');
  expect((await list('--verify')).code).toBe(7);
  await rm(join(snapshot, 'tokenizer.json'));
  expect((await list()).items).toMatchObject([{ state: 'incomplete' }]);
});
