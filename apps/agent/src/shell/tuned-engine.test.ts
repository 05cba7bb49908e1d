import { err, ok } from '@podctl/domain/result.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { expect, test } from 'vitest';
import { silentLog } from '../../../../test/support/silent-log.ts';
import { WHISPER_CAPABILITIES } from '../core/engine-capabilities.ts';
import type { EngineFailure } from '../core/engine-failure.ts';
import { type Rung, rungWords } from '../core/engine-ladder.ts';
import { type TunableEngine, TunedEngine } from './tuned-engine.ts';

const never = new AbortController().signal;
/** As an H100 with 47 MiB left raised it. */
const FULL: EngineFailure = {
  code: 'out_of_memory',
  message:
    'The engine ran out of memory (CUDA failed with error out of memory); lower the batch size or take a smaller model.',
};
const FIRST = { computeType: 'float16', batchSize: 16 };

/** Fits what asks for no more windows than `room.windows`; remembers what it was asked for. */
function made({
  gpu = 'GPU 0 (H100)',
  device = 'cuda' as string,
  note = null as string | null,
} = {}) {
  const room = { windows: 16, loads: true };
  const tried: string[] = [];
  let rung: Rung = FIRST;
  const engine: TunableEngine = {
    describe: () => 'stub',
    capabilities: WHISPER_CAPABILITIES,
    tune: (to) => {
      rung = to;
    },
    load: async (model) =>
      room.loads
        ? ok({ engine: 'stub', engineVersion: '1', model, revision: 'r', device, note, ...rung })
        : err(FULL),
    transcribe: async () => {
      tried.push(rungWords(rung));
      const heard = { segments: [], language: null, languageProbability: null };
      return rung.batchSize <= room.windows
        ? ok({ ...heard, durationSeconds: 1, speechSeconds: 0, elapsedMs: 1 })
        : err(FULL);
    },
    stop: async () => undefined,
  };
  const clock = new ManualClock();
  const firstRung = () => FIRST;
  const tuned = new TunedEngine({
    engine,
    gpu,
    firstRung,
    clock,
    log: silentLog,
    starved: () => void starvations.push(1),
  });
  const starvations: number[] = [];
  const job = async (model = 'tiny.en') => {
    const loaded = await tuned.load(model, never);
    if (!loaded.ok) return loaded;
    return await tuned.transcribe({ audioPath: 'a', language: null }, () => undefined, never);
  };
  return { tuned, room, tried, clock, job, starvations };
}

test('what does not fit is tried smaller at the next job, and the attempt’s reason says so', async () => {
  const { room, tried, job } = made();
  room.windows = 1;
  expect(await job()).toEqual({
    ok: false,
    error: {
      code: 'out_of_memory',
      smallerNext: true,
      message:
        'tiny.en as float16 with batch 16 did not fit: The engine ran out of memory (CUDA failed with error out of memory). The next try here is float16 with batch 4.',
    },
  });
  await job();
  expect((await job()).ok).toBe(true);
  expect(tried).toEqual(['float16 with batch 16', 'float16 with batch 4', 'float16 with batch 1']);
  room.windows = 16;
  for (let i = 0; i < 10; i += 1) await job();
  expect(tried.at(-1)).toBe('float16 with batch 16');
});

test('each model has a ladder of its own', async () => {
  const { room, tried, job } = made();
  room.windows = 4;
  await job('large-v3');
  room.windows = 16;
  await job('tiny.en');
  expect(tried.at(-1)).toBe('float16 with batch 16');
});

test('with nothing smaller left the job is for others: the engine asks for no work for two minutes, then begins anew', async () => {
  const { tuned, room, tried, clock, job, starvations } = made();
  room.loads = false;
  expect(await job()).toMatchObject({ ok: false, error: { smallerNext: true } });
  const last = await job();
  expect(last).toMatchObject({
    error: { message: expect.stringContaining('Nothing smaller is left') },
  });
  expect(last).not.toMatchObject({ error: { smallerNext: true } });
  expect(tuned.starved).toContain('GPU 0 (H100) has too little free memory for tiny.en');
  expect(starvations).toHaveLength(1);
  // What comes all the same goes back without a try.
  room.loads = true;
  expect(await job()).toMatchObject({ ok: false, error: { code: 'out_of_memory' } });
  expect(tried).toEqual([]);
  await clock.advance(120_000);
  expect(tuned.starved).toBeNull();
  expect((await job()).ok).toBe(true);
  expect(tried).toEqual(['float16 with batch 16']);
});

test('the CPU in the place of a GPU is told, with the engine’s reason', async () => {
  const note = 'Library libcublas.so.12 is not found or cannot be loaded. The CPU is used instead.';
  const { tuned, job } = made({ device: 'cpu', note });
  expect(tuned.fallback).toBeNull();
  await job();
  expect(tuned.fallback).toBe(`GPU 0 (H100) is there, and the CPU is used: ${note}`);
});
