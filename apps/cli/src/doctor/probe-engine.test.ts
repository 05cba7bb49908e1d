import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { testPython } from '../../../../test/support/python.ts';
import { programRunner } from '../install/run-program.ts';
import { requirementsPath } from '../up/bootstrap.ts';
import { judgeModel } from './core/judge-engine.ts';
import { probeEngine, probeModel, probePython } from './probe-engine.ts';

const run = programRunner(new AbortController().signal);
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'podctl-engine-'));
});
afterEach(() => rm(root, { recursive: true }));

/** A folder as an environment is, whose Python runs this shell script. */
async function environment(name: string, requirements: string, script = 'exit 0'): Promise<string> {
  const folder = join(root, name);
  await mkdir(join(folder, 'bin'), { recursive: true });
  const interpreter = join(folder, 'bin', 'python');
  await writeFile(interpreter, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  await writeFile(join(folder, '.complete'), JSON.stringify({ requirements, interpreter }));
  return folder;
}

const locked = async () =>
  createHash('sha256')
    .update(await readFile(requirementsPath()))
    .digest('hex');

it('the environment of the locked requirements is found among others', async () => {
  expect(await probePython(root)).toEqual({ root, folder: null, others: 0 });
  await environment('python-000000000000', 'ff'.repeat(32));
  expect(await probePython(root)).toEqual({ root, folder: null, others: 1 });
  const folder = await environment('python-111111111111', await locked());
  expect(await probePython(root)).toEqual({ root, folder, others: 1 });
});

it('an environment whose Python was replaced under the same name is none, as it is for who makes it', async () => {
  const folder = await environment('python-111111111111', await locked());
  const mark = { requirements: await locked(), interpreter: '/usr/bin/python-of-old' };
  await writeFile(join(folder, '.complete'), JSON.stringify(mark));
  expect(await probePython(root)).toEqual({ root, folder: null, others: 1 });
});

it('a Python that fails is told by its last words', async () => {
  const script = "echo 'ImportError: libcudnn_ops.so.9: cannot open' >&2; exit 1";
  const folder = await environment('python-111111111111', await locked(), script);
  expect(await probeEngine(folder, run)).toEqual({
    ...{ kind: 'unseen', fix: null },
    why: 'its Python ended with code 1 (ImportError: libcudnn_ops.so.9: cannot open)',
  });
});

it('the real engine says its versions, and a cached model whose file is broken is found out by its hash', async () => {
  const folder = dirname(dirname(testPython()));
  const blobs = join(root, 'huggingface/hub/models--Systran--faster-whisper-tiny.en');
  await mkdir(join(blobs, 'snapshots/r1'), { recursive: true });
  await mkdir(join(blobs, 'blobs'));
  await mkdir(join(blobs, 'refs'));
  await writeFile(join(blobs, 'refs/main'), 'r1');
  const whole = createHash('sha256').update('the whole model').digest('hex');
  await writeFile(join(blobs, 'blobs', whole), 'half of the mod');
  await symlink(`../../blobs/${whole}`, join(blobs, 'snapshots/r1/model.bin'));
  for (const name of ['config.json', 'tokenizer.json', 'vocabulary.txt'])
    await writeFile(join(blobs, 'snapshots/r1', name), '{}');
  const model = 'tiny.en';
  const [engine, cached, fallback] = await Promise.all([
    probeEngine(folder, run),
    probeModel({ folder, model, cacheDir: root }, run),
    probeModel({ folder, model, cacheDir: join(root, 'empty') }, run),
  ]);
  expect(engine).toMatchObject({
    value: {
      fasterWhisper: expect.stringMatching(/^1\./),
      ctranslate2: expect.stringMatching(/^4\./),
    },
  });
  expect(judgeModel(cached)).toMatchObject({
    outcome: 'fail',
    seen: expect.stringContaining('its file is broken'),
  });
  expect(judgeModel(fallback)).toMatchObject({
    ...{
      outcome: 'ok',
      seen: 'tiny.en, the copy of the package registry, SHA-256 1a5afae06a4d… as expected',
    },
  });
}, 30_000);
