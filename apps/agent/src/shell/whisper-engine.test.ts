import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invariant } from '@podctl/domain/result.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { createLogger } from '@podctl/platform/logger.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testPython } from '../../../../test/support/python.ts';
import { judgedHearing } from '../core/judged-hearing.ts';
import type { TranscribeWork } from '../core/transcript-of.ts';
import { WhisperEngine } from './whisper-engine.ts';

const MODEL = 'tiny.en';
const SCRIPT = fileURLToPath(new URL('../../engines/whisper_engine.py', import.meta.url));
const SAMPLE = new URL('../../../../examples/sample/the-clockmakers/', import.meta.url);
const AUDIO = fileURLToPath(new URL('clock-01.mp3', SAMPLE));

const WORK: TranscribeWork = {
  ...{ kind: 'transcribe', audioPath: AUDIO, audioSha256: 'a'.repeat(64), audioSeconds: null },
  ...{ model: MODEL, language: 'en' },
};
const never = new AbortController().signal;
const ignore = () => undefined;
let folder: string;
let engine: WhisperEngine | null;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-engine-'));
  engine = null;
});
afterEach(async () => {
  await engine?.stop();
  await rm(folder, { recursive: true });
});

describe('the faster-whisper engine', () => {
  test('hears the words of an episode, and tells how far it is', async () => {
    const whisper = real();
    const loaded = await whisper.load(MODEL, never);
    expect(loaded).toMatchObject({ ok: true, value: { model: MODEL, engine: 'faster-whisper' } });
    expect(whisper.describe()).toContain(MODEL);
    const positions: number[] = [];
    const heard = await whisper.transcribe(request(), (seconds) => positions.push(seconds), never);
    invariant(heard.ok, 'the sample is heard');
    const said = await readFile(new URL('clock-01.txt', SAMPLE), 'utf8');
    const shared = wordsOf(said).filter((word) =>
      wordsOf(heard.value.segments.map(({ text }) => text).join(' ')).includes(word),
    );
    expect(shared.length / wordsOf(said).length).toBeGreaterThan(0.8);
    expect(heard.value.segments[0]?.words.length).toBeGreaterThan(3);
    expect(positions.at(-1)).toBeCloseTo(heard.value.durationSeconds, 0);
    const judged = judgedHearing(WORK, heard.value);
    expect(judged.dropped.segments).toBe(0);
    expect(judged.quality?.figure).toBeGreaterThan(0.9);
  });

  test('killed -9 at work, the job fails at once and the next one has a new process', async () => {
    const whisper = real();
    await whisper.load(MODEL, never);
    const first = whisper.pid;
    invariant(first !== null, 'it runs');
    const heard = await whisper.transcribe(request(), () => killNow(first), never);
    expect(heard).toMatchObject({
      ok: false,
      error: { code: 'engine_died', message: 'The engine died: signal SIGKILL.' },
    });
    expect((await whisper.load(MODEL, never)).ok).toBe(true);
    expect(whisper.pid).not.toBe(first);
    expect((await whisper.transcribe(request(), ignore, never)).ok).toBe(true);
  });

  test('a cancelled transcription ends within the cancel time', async () => {
    const whisper = real(200);
    await whisper.load(MODEL, never);
    const cancel = new AbortController();
    const heard = await whisper.transcribe(request(), () => cancel.abort(), cancel.signal);
    expect(heard).toMatchObject({ ok: false, error: { code: 'cancelled' } });
    expect((await whisper.load(MODEL, never)).ok).toBe(true);
  });

  test('asked for what only a GPU reckons with, it works on the CPU that it found, and says with what', async () => {
    const whisper = real();
    whisper.tune({ computeType: 'float16', batchSize: 8 });
    const loaded = await whisper.load(MODEL, never);
    expect(loaded).toMatchObject({ ok: true, value: { device: 'cpu', computeType: 'int8' } });
  });

  test('what is no audio is unreadable, and the engine lives on', async () => {
    const whisper = real();
    await whisper.load(MODEL, never);
    const audioPath = join(folder, 'page.mp3');
    await writeFile(audioPath, '<html></html>');
    const heard = await whisper.transcribe({ audioPath, language: null }, ignore, never);
    expect(heard).toMatchObject({ ok: false, error: { code: 'audio_unreadable' } });
    expect(whisper.pid).not.toBeNull();
  });
});

describe('an engine that does not do as it should', () => {
  test('that says nothing any more is killed, and the job fails', async () => {
    const whisper = await scripted(`${HELLO} setInterval(() => {}, 1000);`, 300);
    expect(await whisper.load(MODEL, never)).toMatchObject({
      ok: false,
      error: { code: 'engine_silent' },
    });
    expect(whisper.pid).toBeNull();
  });

  test('that says it lives is not killed for being slow', async () => {
    const answer = `{"kind":"loaded","id":"1","model":"m","revision":"r","device":"cpu","computeType":"int8"}`;
    const whisper = await scripted(
      `${HELLO} setInterval(() => say('{"kind":"alive"}'), 50); setTimeout(() => say(${JSON.stringify(answer)}), 900);`,
      300,
    );
    expect((await whisper.load(MODEL, never)).ok).toBe(true);
  });

  test('what it writes to stderr is heard by who loads, until the next load', async () => {
    const whisper = await scripted(
      `${HELLO} console.error('first words'); process.exitCode = 1; process.stdin.destroy();`,
    );
    const said: string[] = [];
    await whisper.load(MODEL, never, (line) => void said.push(line));
    expect(said).toContain('first words');
    heard.splice(0);
    await whisper.load(MODEL, never);
    expect(heard).toContain('first words');
    expect(said).toHaveLength(1);
  });

  test('that writes anything but its protocol is killed', async () => {
    const whisper = await scripted(
      `${HELLO} say('Loading model...'); setInterval(() => {}, 1000);`,
    );
    expect(await whisper.load(MODEL, never)).toMatchObject({
      ok: false,
      error: { code: expect.stringMatching(/engine_(babble|died)/) },
    });
  });

  test('that cannot start says why', async () => {
    const whisper = await scripted(
      `console.error('No module named faster_whisper'); process.exit(3);`,
    );
    expect(await whisper.load(MODEL, never)).toMatchObject({
      ok: false,
      error: { code: 'engine_missing', message: expect.stringContaining('No module named') },
    });
    const nowhere = supervised(join(folder, 'no-python'), 'x', 1_000);
    expect(await nowhere.load(MODEL, never)).toMatchObject({
      ok: false,
      error: { code: 'engine_missing' },
    });
  });
});

describe('a GPU in trouble', () => {
  /** Loads as it is told, says by which pid, and ends each transcription as the audio's name says. */
  const failing = `
    console.log('{"kind":"hello","protocol":1,"engine":"stub","version":"0"}');
    let text = '';
    process.stdin.on('end', () => process.exit(0)).on('data', (data) => {
      text += data;
      if (!text.includes('\\n')) return;
      const { id, kind, model, computeType, audio } = JSON.parse(text);
      text = '';
      const facts = { model, revision: String(process.pid), device: 'cuda', computeType };
      if (kind === 'load') console.log(JSON.stringify({ kind: 'loaded', id, ...facts }));
      else console.log(JSON.stringify({ kind: 'failed', id, code: audio, message: 'CUDA.' }));
    });`;

  test.each(['out_of_memory', 'device_failed'])(
    'that fails with %s is given up with its process: the next load has a new one, as it is tuned then',
    async (code) => {
      const whisper = await scripted(failing);
      whisper.tune({ computeType: 'float16', batchSize: 8 });
      const first = await whisper.load(MODEL, never);
      const heardOf = await whisper.transcribe({ audioPath: code, language: null }, ignore, never);
      expect(heardOf).toMatchObject({ ok: false, error: { code } });
      expect(whisper.pid).toBeNull();
      whisper.tune({ computeType: 'int8_float16', batchSize: 2 });
      const second = await whisper.load(MODEL, never);
      invariant(first.ok && second.ok, 'both load');
      expect(second.value.computeType).toBe('int8_float16');
      expect(second.value.revision).not.toBe(first.value.revision);
    },
  );
});

describe('a model that was imported on this machine', () => {
  /** Says the path that it was given as the revision of what it loaded. */
  const tellsPath = `
    console.log('{"kind":"hello","protocol":1,"engine":"stub","version":"0"}');
    let text = '';
    process.stdin.on('end', () => process.exit(0)).on('data', (data) => {
      text += data;
      if (!text.includes('\\n')) return;
      const { id, model, path } = JSON.parse(text);
      text = '';
      const facts = { model, revision: String(path), device: 'cpu', computeType: 'int8' };
      console.log(JSON.stringify({ kind: 'loaded', id, ...facts }));
    });`;

  test('is loaded from its folder once it is whole, and any other as ever', async () => {
    const mine = join(folder, 'models', 'mine');
    await mkdir(mine, { recursive: true });
    const whisper = await scripted(tellsPath);
    const revision = async (model: string) => {
      const loaded = await whisper.load(model, never);
      return loaded.ok ? loaded.value.revision : loaded.error.message;
    };
    expect(await revision('mine')).toBe('null');
    await writeFile(join(mine, 'checksums.json'), '{}');
    expect(await revision('mine')).toBe(mine);
    expect(await revision('owner/mine')).toBe('null');
    expect(await revision('../models/mine')).toBe('null');
  });
});

const HELLO = `
const say = (line) => console.log(line);
say('{"kind":"hello","protocol":1,"engine":"stub","version":"0"}');
process.stdin.on('end', () => process.exit(0)).resume();`;

/** A child that speaks as the script says. */
async function scripted(script: string, silentMs = 10_000): Promise<WhisperEngine> {
  const path = join(folder, 'engine.mjs');
  await writeFile(path, script);
  return supervised(process.execPath, path, silentMs);
}

function real(cancelMs = 2_000): WhisperEngine {
  return supervised(testPython(), SCRIPT, 30_000, cancelMs);
}

/** What the engine said while it worked for nobody. */
const heard: string[] = [];

function supervised(python: string, script: string, silentMs: number, cancelMs = 2_000) {
  const log = createLogger({ level: 'error', component: 'agent', terminal: false });
  const env = { ...process.env, HF_HUB_OFFLINE: '1' };
  const said = (line: string) => void heard.push(line);
  const of = { python, script, env, lockFd: null, silentMs, cancelMs };
  const spec = { ...of, clock: systemClock, log, said };
  const options = { device: 'auto', models: join(folder, 'models') };
  engine = new WhisperEngine(spec, options, () => 0);
  return engine;
}

function request() {
  return { audioPath: AUDIO, language: null };
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is dead already.
  }
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z]+/g) ?? [];
}
