import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseCommandTemplate } from '@podctl/domain/command-template.ts';
import { invariant } from '@podctl/domain/result.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CommandEngine } from './command-engine.ts';

const AUDIO = fileURLToPath(
  new URL('../../../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url),
);
const never = new AbortController().signal;
const ignore = () => undefined;
let folder: string;
let runs: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-command-'));
  runs = await mkdtemp(join(folder, 'runs-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A program of these lines of a shell. */
async function program(lines: string): Promise<string> {
  const path = join(folder, 'transcribe');
  await writeFile(path, `#!/bin/sh\n${lines}\n`);
  await chmod(path, 0o755);
  return path;
}

function engineOf(
  command: readonly unknown[],
  output: 'file' | 'stdout' = 'file',
  path = process.env.PATH,
) {
  const template = parseCommandTemplate(command);
  invariant(template.ok, 'a template');
  const env = { ...process.env, PATH: path };
  const converter = { python: 'none', script: 'none', env, lockFd: null, clock: systemClock };
  const spec = { template: template.value, output, folder: runs, env, converter };
  return new CommandEngine(spec, ignore, () => 0);
}

async function heardBy(engine: CommandEngine, more = {}, said: (line: string) => void = ignore) {
  const loaded = await engine.load('tiny.en', never, said);
  if (!loaded.ok) return loaded;
  return engine.transcribe({ audioPath: AUDIO, language: null, ...more }, ignore, never);
}

test('a program is told what to hear and where to write, and what it writes beside the audio counts too', async () => {
  const path = await program(`
    echo "$@" >&2
    test -f "$1" || exit 1
    printf '1\\n00:00:00,000 --> 00:00:02,000\\nHello.\\n' > "$1.srt"
    printf 'Worse.' > "$1.txt"`);
  const said: string[] = [];
  const engine = engineOf([path, '{audio}', ['-l', '{language}'], ['-p', '{prompt}']]);
  const heard = await heardBy(engine, { language: 'en', prompt: 'a; rm "$HOME"' }, (line) =>
    said.push(line),
  );
  expect(heard).toMatchObject({
    ok: true,
    value: {
      segments: [{ start: 0, end: 2, text: 'Hello.' }],
      durationSeconds: expect.closeTo(33.5, 0),
    },
  });
  expect(said.join()).toMatch(/episode\.mp3 -l en -p a; rm "\$HOME"$/);
  expect(await readdir(runs)).toEqual([]);
});

test('what it prints is a transcript only where the settings say so', async () => {
  const path = await program('echo "[00:00:00.000 --> 00:00:02.000]  Hello."');
  const printed = await heardBy(engineOf([path, '{audio}'], 'stdout'));
  expect(printed).toMatchObject({ ok: true, value: { segments: [{ end: 2, text: 'Hello.' }] } });
  const mute = await heardBy(engineOf([path, '{audio}']));
  expect(mute).toMatchObject({ ok: false, error: { code: 'command_mute' } });
});

test('a program that fails is told by its exit code and its last words', async () => {
  const path = await program('echo loading >&2; echo "the model is broken." >&2; exit 3');
  expect(await heardBy(engineOf([path, '{audio}']))).toEqual({
    ok: false,
    error: {
      code: 'command_failed',
      message: `${path} failed: exit code 3 (the model is broken).`,
    },
  });
});

test('a program that is not there is told with what to do, before any audio is touched', async () => {
  const nowhere = await heardBy(engineOf(['whisper-nowhere', '{audio}'], 'file', folder));
  expect(nowhere).toMatchObject({
    error: {
      code: 'engine_missing',
      message: expect.stringContaining('no program "whisper-nowhere" in the PATH'),
    },
  });
  const path = join(folder, 'none');
  expect(await heardBy(engineOf([path, '{audio}']))).toMatchObject({
    error: { code: 'engine_missing', message: expect.stringContaining(path) },
  });
  await program('exit 0');
  const inPath = engineOf(['transcribe', '{audio}'], 'file', folder);
  expect((await inPath.load('tiny.en', never)).ok).toBe(true);
});

test('the model’s file is known by its hash, and one that is not there is told', async () => {
  const path = await program('exit 0');
  await writeFile(join(folder, 'ggml-tiny.en.bin'), 'weights');
  const engine = engineOf([path, '{audio}', join(folder, 'ggml-{model}.bin')]);
  expect(await engine.load('tiny.en', never)).toMatchObject({
    value: {
      engine: 'transcribe',
      revision: '9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c',
    },
  });
  for (const model of ['small', '../tiny.en'])
    expect(await engine.load(model, never)).toMatchObject({ error: { code: 'model_missing' } });
});

test('a program that writes without end is killed', async () => {
  const path = await program('exec head -c 100000000 /dev/zero');
  expect(await heardBy(engineOf([path, '{audio}']))).toMatchObject({
    error: {
      code: 'engine_babble',
      message: expect.stringContaining('to its stdout and was killed'),
    },
  });
});

test('it can what its arguments have room for', () => {
  const engine = engineOf(['x', '{audio}', ['-l', '{language}']]);
  expect(engine.capabilities).toMatchObject({ language: true, prompt: false, hotwords: false });
});
