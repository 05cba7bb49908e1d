import { access, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, test } from 'vitest';
import { engineClaims } from '../conformance/engine-claims.ts';
import { commandWorld, openaiWorld } from '../conformance/engine-worlds.ts';
import { realEnvironment } from './real-environment.ts';
import { RealServer } from './real-server.ts';

/** As faster-whisper does on this sample, and a little more: a model of 39 million weights. */
const TINY = { model: 'tiny.en', modelHeld: null, wordErrorRateMax: 0.2 };

const environment = await realEnvironment();
const ggml = await ggmlModel();
const folder = await mkdtemp(join(tmpdir(), 'podctl-real-engines-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

if (environment.kind === 'absent') {
  skipped('whisper.cpp by its CLI pwcpp', environment.why);
  skipped('faster-whisper-server', environment.why);
} else {
  const { bin, env, model } = environment;
  if (ggml === null)
    skipped('whisper.cpp by its CLI pwcpp', 'PODCTL_TEST_GGML names no file of a ggml model');
  else
    engineClaims('whisper.cpp by its CLI pwcpp', async () => {
      await symlink(ggml, join(folder, 'ggml-tiny.en.bin'));
      const model = join(folder, 'ggml-{model}.bin');
      const language = ['--language', '{language}'];
      const prompt = ['--initial_prompt', '{prompt}'];
      // Of its threads each waits for the others in a loop: on a busy machine two of them are slower than one.
      const options = ['-m', model, '-osrt', '--n_threads', '1', language, prompt];
      const command = [bin('pwcpp'), ...options, '{wav}'];
      return commandWorld(command, TINY, env);
    });

  engineClaims('faster-whisper-server', async () => {
    const server = new RealServer(bin('faster-whisper-server'), model, env);
    await server.start();
    return openaiWorld(
      server.url,
      { ...TINY, atWork: null },
      {
        left: () => server.left(),
        kill: () => server.kill(),
        close: () => server.close(),
      },
    );
  });
}

async function ggmlModel(): Promise<string | null> {
  const named = process.env.PODCTL_TEST_GGML ?? '';
  if (named === '') return null;
  const path = resolve(named);
  return access(path).then(
    () => path,
    () => null,
  );
}

function skipped(name: string, why: string): void {
  process.stderr.write(`SKIPPED: ${name} is not tried: ${why}\n`);
  test.skip(`${name} is not tried: ${why}`, () => undefined);
}
