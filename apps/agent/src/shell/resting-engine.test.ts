import { ok } from '@podctl/domain/result.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { expect, test } from 'vitest';
import { WHISPER_CAPABILITIES } from '../core/engine-capabilities.ts';
import { RestingEngine } from './resting-engine.ts';

const never = new AbortController().signal;
const UNLOAD_AFTER_MS = 900_000;

function made(unloadAfterMs: number | null = UNLOAD_AFTER_MS) {
  const clock = new ManualClock();
  const calls: string[] = [];
  const told: string[] = [];
  const atWork = Promise.withResolvers<void>();
  const engine = new RestingEngine({
    clock,
    unloadAfterMs,
    unloaded: (words) => told.push(words),
    engine: {
      capabilities: WHISPER_CAPABILITIES,
      describe: () => 'stub',
      load: async (model) => {
        calls.push('load');
        const how = { device: 'cpu', computeType: 'int8', revision: 'r', note: null };
        return ok({ engine: 'stub', engineVersion: '1', model, ...how });
      },
      transcribe: async () => {
        await atWork.promise;
        const heard = { segments: [], language: null, languageProbability: null };
        return ok({ ...heard, durationSeconds: 1, speechSeconds: 1, elapsedMs: 1 });
      },
      unload: async () => void calls.push('unload'),
      stop: async () => void calls.push('stop'),
    },
  });
  const request = { audioPath: 'a', language: null };
  const transcribe = () => engine.transcribe(request, () => undefined, never);
  return { engine, clock, calls, told, transcribe, finish: () => atWork.resolve() };
}

test('unloads the model after a while without work, says so, and loads it for the next job', async () => {
  const { engine, clock, calls, told } = made();
  await engine.load('tiny.en', never);
  await clock.advance(UNLOAD_AFTER_MS - 1);
  expect(calls).toEqual(['load']);
  await clock.advance(1);
  expect(calls).toEqual(['load', 'unload']);
  expect(engine.describe()).toBe('stub, unloaded after 15 min without work');
  expect(told).toHaveLength(1);
  await engine.load('tiny.en', never);
  expect(calls).toEqual(['load', 'unload', 'load']);
  expect(engine.describe()).toBe('stub');
  await engine.stop();
});

test('never unloads a model that is at work, however long that takes', async () => {
  const { engine, clock, calls, transcribe, finish } = made();
  await engine.load('tiny.en', never);
  const heard = transcribe();
  await clock.advance(10 * UNLOAD_AFTER_MS);
  expect(calls).toEqual(['load']);
  finish();
  await heard;
  await clock.advance(UNLOAD_AFTER_MS);
  expect(calls).toEqual(['load', 'unload']);
});

test('loads the model again for a request that came long after its load: its checkpoint was slow to read', async () => {
  const { engine, clock, calls, transcribe, finish } = made();
  await engine.load('tiny.en', never);
  await clock.advance(UNLOAD_AFTER_MS);
  finish();
  expect(await transcribe()).toMatchObject({ ok: true });
  expect(calls).toEqual(['load', 'unload', 'load']);
  await engine.stop();
});

test('leaves no timer behind when it is stopped, nor where models stay loaded', async () => {
  const resting = made();
  await resting.engine.load('tiny.en', never);
  await resting.engine.stop();
  expect(resting.clock.sleeping()).toBe(0);
  const kept = made(null);
  await kept.engine.load('tiny.en', never);
  expect(kept.clock.sleeping()).toBe(0);
});
