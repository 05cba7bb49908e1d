import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invariant } from '@podctl/domain/result.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { createLogger } from '@podctl/platform/logger.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testPython } from '../../../../test/support/python.ts';
import { judgedHearing } from '../core/judged-hearing.ts';
import type { RawTranscript } from '../core/raw-transcript.ts';
import type { TranscribeWork } from '../core/transcript-of.ts';
import { WhisperEngine } from './whisper-engine.ts';

const MODEL = 'tiny.en';
const SCRIPT = fileURLToPath(new URL('../../engines/whisper_engine.py', import.meta.url));

const CLOCK = fileURLToPath(
  new URL('../../../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url),
);

const WORK: TranscribeWork = {
  ...{ kind: 'transcribe', audioPath: CLOCK, audioSha256: 'a'.repeat(64), audioSeconds: null },
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

/** What it does as every engine does is in test/conformance/engine.test.ts. */
describe('the faster-whisper engine', () => {
  test('from a checkpoint on it hears the very words of the unbroken pass, at the times of the whole', async () => {
    const whisper = real();
    await whisper.load(MODEL, never);
    const kept: RawTranscript[] = [];
    const onCheckpoint = (heardSoFar: RawTranscript) => kept.push(heardSoFar);
    const short = { audioPath: CLOCK, language: null, windowSeconds: 12 };
    const whole = await whisper.transcribe({ ...short, onCheckpoint }, ignore, never);
    const [first, second] = kept;
    invariant(whole.ok && first !== undefined && second !== undefined, 'three windows are heard');
    const positions: number[] = [];
    const between = { fromSeconds: first.durationSeconds, toSeconds: second.durationSeconds };
    const part = await whisper.transcribe(
      { ...short, ...between, language: first.language },
      (seconds) => positions.push(seconds),
      never,
    );
    invariant(part.ok, 'the part is heard');
    expect([...first.segments, ...part.value.segments]).toEqual(second.segments);
    expect(whole.value.segments.slice(0, second.segments.length)).toEqual(second.segments);
    expect(part.value.segments[0]?.start).toBeGreaterThanOrEqual(between.fromSeconds);
    expect(part.value.speechSeconds).toBeCloseTo(second.speechSeconds - first.speechSeconds, 2);
    expect([positions[0], positions.at(-1)]).toEqual([between.fromSeconds, between.toSeconds]);
    const judged = judgedHearing(WORK, whole.value);
    expect(judged.dropped.segments).toBe(0);
    expect(judged.quality?.figure).toBeGreaterThan(0.9);
  });

  test('asked for what only a GPU reckons with, it works on the CPU that it found, and says with what', async () => {
    const whisper = real();
    whisper.tune({ computeType: 'float16', batchSize: 8 });
    const loaded = await whisper.load(MODEL, never);
    expect(loaded).toMatchObject({ ok: true, value: { device: 'cpu', computeType: 'int8' } });
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

function real(): WhisperEngine {
  return supervised(testPython(), SCRIPT, 30_000);
}

/** What the engine said while it worked for nobody. */
const heard: string[] = [];

function supervised(python: string, script: string, silentMs: number) {
  const log = createLogger({ level: 'error', component: 'agent', terminal: false });
  const env = { ...process.env, HF_HUB_OFFLINE: '1' };
  const said = (line: string) => void heard.push(line);
  const of = { python, script, env, lockFd: null, silentMs, cancelMs: 2_000 };
  const spec = { ...of, clock: systemClock, log, said };
  const options = { device: 'auto', models: join(folder, 'models') };
  engine = new WhisperEngine(spec, options, () => 0);
  return engine;
}
