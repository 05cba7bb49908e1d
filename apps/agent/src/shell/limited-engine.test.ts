import { err, ok, type Result } from '@podctl/domain/result.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { expect, test } from 'vitest';
import { WHISPER_CAPABILITIES } from '../core/engine-capabilities.ts';
import type { EngineFailure } from '../core/engine-failure.ts';
import type { RawTranscript } from '../core/raw-transcript.ts';
import type { TranscribeRequest } from './engine.ts';
import { LimitedEngine } from './limited-engine.ts';

const never = new AbortController().signal;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const HOUR_OF_AUDIO = { audioPath: 'a', language: null, audioSeconds: 3_600 };

/** Works until it is told what came of it, or cancelled. */
function made() {
  const clock = new ManualClock();
  const unloads: number[] = [];
  let at: (seconds: number) => void = () => undefined;
  let end: (result: Result<RawTranscript, EngineFailure>) => void = () => undefined;
  const engine = new LimitedEngine({
    clock,
    engine: {
      capabilities: WHISPER_CAPABILITIES,
      describe: () => 'stub',
      load: async (model) => {
        const how = { device: 'cpu', computeType: 'int8', revision: 'r', note: null };
        return ok({ engine: 'stub', engineVersion: '1', model, ...how });
      },
      transcribe: (_request, onPosition, signal) => {
        at = (seconds) => onPosition(seconds, null);
        const { promise, resolve } = Promise.withResolvers<Result<RawTranscript, EngineFailure>>();
        end = resolve;
        const cancelled = () => resolve(err({ code: 'cancelled', message: 'Cancelled.' }));
        signal.addEventListener('abort', cancelled, { once: true });
        return promise;
      },
      unload: async () => void unloads.push(clock.monotonicMs()),
      stop: async () => undefined,
    },
  });
  const transcribe = (request: TranscribeRequest = HOUR_OF_AUDIO) =>
    engine.transcribe(request, () => undefined, never);
  const finish = (speechSeconds: number, elapsedMs: number) => {
    const heard = { segments: [], language: 'en', languageProbability: 1 };
    end(ok({ ...heard, durationSeconds: speechSeconds, speechSeconds, elapsedMs }));
  };
  /** So fast is it from now on. */
  const measured = async (speed: number) => {
    await engine.load('tiny.en', never);
    const first = transcribe();
    finish(100 * speed, 100_000);
    await first;
  };
  return { engine, clock, unloads, transcribe, measured, finish, position: (s: number) => at(s) };
}

test('ends an engine that comes no further, whose process goes with it', async () => {
  const { transcribe, measured, clock, position, unloads } = made();
  await measured(20);
  const heard = transcribe();
  position(0);
  await clock.advance(50_000);
  position(10);
  await clock.advance(50_000);
  expect(unloads).toEqual([]);
  await clock.advance(20_000);
  expect(await heard).toMatchObject({ ok: false, error: { code: 'engine_stuck' } });
  expect(unloads).toHaveLength(1);
});

test('tells once that an engine is slow, and ends it at the hard limit', async () => {
  const { transcribe, measured, clock, position } = made();
  const told: string[] = [];
  await measured(2);
  const heard = transcribe({ ...HOUR_OF_AUDIO, onSlow: (words) => told.push(words) });
  for (let minute = 0; minute < 299; minute += 1) {
    position(minute);
    await clock.advance(MINUTE);
  }
  expect(told).toEqual([
    'The engine is slower than expected: 90 min so far; after 300 min it is ended',
  ]);
  position(299);
  await clock.advance(2 * MINUTE);
  expect(await heard).toMatchObject({ ok: false, error: { code: 'engine_slow' } });
});

test('gives the next try four times as long as the one that a limit ended', async () => {
  const { transcribe, measured, clock, position } = made();
  await measured(2);
  const first = transcribe();
  position(0);
  await clock.advance(7 * MINUTE);
  expect(await first).toMatchObject({ error: { code: 'engine_stuck' } });
  const second = transcribe();
  position(0);
  await clock.advance(23 * MINUTE);
  position(1);
  await clock.advance(25 * MINUTE);
  expect(await second).toMatchObject({ error: { code: 'engine_stuck' } });
});

test('never ends a slow engine that nobody has measured, before an hour of audio took 20', async () => {
  const { transcribe, clock, position, finish } = made();
  const heard = transcribe();
  for (let hour = 0; hour < 19; hour += 1) {
    position(hour);
    await clock.advance(HOUR);
  }
  finish(3_600, 19 * HOUR);
  expect(await heard).toMatchObject({ ok: true });
});

test('ends no request of an engine that never says how far it is for its silence', async () => {
  const { transcribe, measured, clock, finish } = made();
  await measured(20);
  const heard = transcribe();
  await clock.advance(9 * MINUTE);
  finish(3_600, 9 * MINUTE);
  expect(await heard).toMatchObject({ ok: true });
});

test('judges a second pass, which listens in another way, by passes of its own kind', async () => {
  const { transcribe, measured, clock, position, finish } = made();
  await measured(200);
  const heard = transcribe({ ...HOUR_OF_AUDIO, decoding: { sequential: true } });
  for (let minute = 0; minute < 30; minute += 1) {
    position(minute);
    await clock.advance(MINUTE);
  }
  finish(3_600, 30 * MINUTE);
  expect(await heard).toMatchObject({ ok: true });
  // Nor does its pace make the limits of the first passes wider.
  const next = transcribe();
  for (let half = 0; half < 21; half += 1) {
    position(half);
    await clock.advance(MINUTE / 2);
  }
  expect(await next).toMatchObject({ ok: false, error: { code: 'engine_slow' } });
});

test('leaves no timer behind', async () => {
  const { measured, clock } = made();
  await measured(20);
  expect(clock.sleeping()).toBe(0);
});
