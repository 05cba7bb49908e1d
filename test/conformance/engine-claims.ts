import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invariant } from '@podctl/domain/result.ts';
import { wordErrorRate } from '@podctl/domain/transcript/word-error-rate.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../apps/agent/src/shell/engine.ts';

/** An engine with all that it needs to run, and the means to see and to end what it started. */
export interface EngineWorld {
  readonly engine: Engine;
  readonly model: string;
  /** One with which a job lasts until it is ended; null: the sample takes long enough. */
  readonly modelHeld: string | null;
  /** A folder of the test's own. */
  readonly folder: string;
  /** Resolves when the job that was given last has begun; null: its first position tells. */
  readonly atWork: (() => Promise<void>) | null;
  /** Whether it tries a job that broke off again by itself. */
  readonly asksAgain: boolean;
  readonly wordErrorRateMax: number;
  /** The processes or connections of a job that are there, in words; after a while, where they need one to end. */
  left(): Promise<readonly string[]>;
  /** Ends what works on the job, which has no chance to say anything. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

const SAMPLE = new URL('../../examples/sample/the-clockmakers/', import.meta.url);
const AUDIO = fileURLToPath(new URL('clock-01.mp3', SAMPLE));
export const SAMPLE_TEXT = fileURLToPath(new URL('clock-01.txt', SAMPLE));
const CANCEL_MS_MAX = 2_000;
const SILENT_SECONDS = 3;
const never = new AbortController().signal;
const ignore = () => undefined;

/** What every engine does alike. One world serves all the claims, in this order; the last one stops its engine. */
export function engineClaims(name: string, open: () => Promise<EngineWorld>): void {
  describe(name, () => {
    let world: EngineWorld;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(async () => {
      await world?.engine.stop();
      await world?.close();
    });

    test('hears what is said, in order, and tells how far it is, twice in a row', async () => {
      const { engine, model, wordErrorRateMax } = world;
      for (const round of [1, 2]) {
        expect(await engine.load(model, never)).toMatchObject({ ok: true, value: { model } });
        const positions: number[] = [];
        const heard = await engine.transcribe(
          { audioPath: AUDIO, language: null },
          (seconds) => positions.push(seconds),
          never,
        );
        invariant(heard.ok, `the sample is heard, round ${round}`);
        const { segments, durationSeconds, speechSeconds } = heard.value;
        const expected = await readFile(SAMPLE_TEXT, 'utf8');
        const text = segments.map((segment) => segment.text).join(' ');
        expect(wordErrorRate([{ expected, heard: text }])).toBeLessThan(wordErrorRateMax);
        expect(durationSeconds).toBeCloseTo(33.4, 0);
        expect(speechSeconds).toBeGreaterThan(20);
        expect(positions).toEqual(positions.toSorted((a, b) => a - b));
        expect(positions.at(-1)).toBeCloseTo(durationSeconds, 0);
        const starts = segments.map(({ start }) => start);
        expect(starts).toEqual(starts.toSorted((a, b) => a - b));
        for (const { start, end, words } of segments) {
          expect(start).toBeLessThanOrEqual(end);
          expect(end).toBeLessThanOrEqual(durationSeconds + 1);
          if (engine.capabilities.wordTimes === 'yes') expect(words.length).toBeGreaterThan(0);
        }
      }
    });

    test('what is no audio is unreadable, and what is silent says next to nothing', async () => {
      const { engine, model, folder } = world;
      const page = join(folder, 'page.mp3');
      await writeFile(page, '<html></html>');
      expect((await engine.load(model, never)).ok).toBe(true);
      const unreadable = await engine.transcribe(request(page), ignore, never);
      expect(unreadable).toMatchObject({ ok: false, error: { code: 'audio_unreadable' } });
      const silence = join(folder, 'silence.wav');
      await writeFile(silence, silentWav(SILENT_SECONDS));
      expect((await engine.load(model, never)).ok).toBe(true);
      const heard = await engine.transcribe(request(silence), ignore, never);
      invariant(heard.ok, 'silence is heard');
      expect(heard.value.durationSeconds).toBeCloseTo(SILENT_SECONDS, 0);
      // Some hear a word in it: to know better is not the engine's part.
      expect(heard.value.segments.flatMap(({ text }) => text.split(' ')).length).toBeLessThan(9);
    });

    test('a job that is called off ends within 2 s, with all that worked on it', async () => {
      const { engine, model, modelHeld } = world;
      await engine.load(modelHeld ?? model, never);
      const cancel = new AbortController();
      const work = begun(world, cancel.signal);
      await work.atWork;
      const askedMs = performance.now();
      cancel.abort();
      expect(await work.heard).toMatchObject({ ok: false, error: { code: 'cancelled' } });
      expect(performance.now() - askedMs).toBeLessThan(CANCEL_MS_MAX);
      if (modelHeld !== null) expect(await world.left()).toEqual([]);
      expect((await engine.load(model, never)).ok).toBe(true);
    });

    test('killed at work, the job ends, and the next one is heard', async () => {
      const { engine, model, modelHeld } = world;
      await engine.load(modelHeld ?? model, never);
      const work = begun(world, never);
      await work.atWork;
      await world.kill();
      const heard = await work.heard;
      if (!world.asksAgain)
        expect(heard).toMatchObject({ ok: false, error: { code: 'engine_died' } });
      // What it was told by a server that was not there yet.
      await systemClock.sleep(engine.restMs ?? 0, never);
      expect((await engine.load(model, never)).ok).toBe(true);
      expect((await engine.transcribe(request(AUDIO), ignore, never)).ok).toBe(true);
    });

    test('stopped at work, it leaves nothing behind, and takes no more', async () => {
      const { engine, model, modelHeld } = world;
      await engine.load(modelHeld ?? model, never);
      const work = begun(world, never);
      await work.atWork;
      await engine.stop();
      expect((await work.heard).ok).toBe(false);
      expect(await world.left()).toEqual([]);
      expect((await engine.load(model, never)).ok).toBe(false);
    });
  });
}

function begun(world: EngineWorld, signal: AbortSignal) {
  const first = Promise.withResolvers<void>();
  const heard = world.engine.transcribe(request(AUDIO), () => first.resolve(), signal);
  // What ends before it begins says why in what was heard.
  const atWork = Promise.race([world.atWork?.() ?? first.promise, heard]);
  return { heard, atWork };
}

function request(audioPath: string) {
  return { audioPath, language: null };
}

/** 16 kHz, one channel, 16 bit. */
function silentWav(seconds: number): Buffer {
  const samples = Buffer.alloc(seconds * 32_000);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(16_000, 24);
  head.writeUInt32LE(32_000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples]);
}
