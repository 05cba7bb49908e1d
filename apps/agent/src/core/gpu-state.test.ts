import type { Gpu } from '@podctl/domain/gpu.ts';
import { describe, expect, test } from 'vitest';
import {
  foldSight,
  type GpuSight,
  type GpuState,
  gpuLack,
  gpuLoss,
  gpuReport,
  UNSEEN,
} from './gpu-state.ts';

function gpu(index: number, uuid = `GPU-${index}`): Gpu {
  return {
    ...{ index, uuid, product: 'card', driver: '1', backend: 'cuda' },
    ...{ memorySizeBytes: 8, memoryUsedBytes: 4, utilizationRatio: 0.5 },
    ...{ temperatureCelsius: 50, powerWatts: 99 },
  };
}

const round = (...gpus: Gpu[]): GpuSight => ({ kind: 'round', gpus, isWhole: true });
const torn = (...gpus: Gpu[]): GpuSight => ({ kind: 'round', gpus, isWhole: false });
const broken: GpuSight = { kind: 'broken', reason: 'it hangs' };
const absent: GpuSight = { kind: 'absent', reason: 'No devices were found' };
const missing: GpuSight = { kind: 'missing' };
const both = round(gpu(0), gpu(1));

function after(...sights: GpuSight[]): GpuState {
  return sights.reduce(foldSight, UNSEEN);
}

describe('a machine without GPUs', () => {
  test('has none when there is nothing to ask', () => {
    expect(after(missing)).toEqual({ kind: 'none' });
    expect(gpuReport(after(missing))).toEqual({ gpus: [], gpuProblem: null });
  });

  test.each([
    ['a driver that fails', broken, 'it hangs'],
    ['no device', absent, 'No devices were found'],
    ['an empty list', round(), 'lists no GPU'],
  ])('cannot use any with %s, and is never said to have lost one', (_what, sight, words) => {
    const state = after(sight, sight, sight, sight, sight);
    expect(state).toEqual({ kind: 'unusable', reason: expect.stringContaining(words) });
    expect(gpuReport(state).gpuProblem).toContain(words);
    expect(gpuLoss(state, true)).toBeNull();
  });

  test('has them once they are seen', () => {
    expect(after(broken, both)).toMatchObject({
      kind: 'present',
      gpus: [{ index: 0 }, { index: 1 }],
    });
  });
});

describe('a GPU that was there', () => {
  test.each<[string, GpuSight[], string]>([
    [
      'missing in two looks',
      [round(gpu(0)), round(gpu(0))],
      'GPU 1 (card, GPU-1) was there and is not any more',
    ],
    [
      'gone with all others',
      [absent, absent],
      'GPU 0 (card, GPU-0) and 1 more was there and is not any more: No devices',
    ],
    [
      'out of sight for three broken looks',
      [broken, broken, broken],
      'nothing is heard of it any more: it hangs',
    ],
    ['without the program in three looks', [missing, missing, missing], 'not found any more'],
    ['now broken, now missing', [broken, round(gpu(0)), broken], 'was there'],
    ['torn three times', [torn(gpu(0)), torn(), torn(gpu(0))], 'lines that cannot be read'],
  ])('is lost when it is %s', (_what, sights, words) => {
    const state = after(both, ...sights);
    expect(state).toEqual({ kind: 'lost', reason: expect.stringContaining(words) });
    expect(gpuReport(state)).toEqual({ gpus: [], gpuProblem: expect.stringContaining(words) });
    expect(after(both, ...sights.slice(0, -1)).kind).toBe('present');
  });

  test('is not lost by bad looks between good ones', () => {
    const sights = Array.from({ length: 10 }, () => [broken, round(gpu(0)), both]).flat();
    expect(after(both, ...sights).kind).toBe('present');
  });

  test('is the same one under another index, and another one under its index', () => {
    expect(after(both, round(gpu(1, 'GPU-0'), gpu(0, 'GPU-1'))).kind).toBe('present');
    const exchanged = round(gpu(0), gpu(1, 'GPU-2'));
    expect(after(both, exchanged, exchanged)).toMatchObject({ kind: 'lost' });
  });

  test('has no figures while it is not seen: old ones would be a lie', () => {
    expect(gpuReport(after(both, round(gpu(0)))).gpus).toMatchObject([
      { index: 0, utilizationRatio: 0.5 },
      { index: 1, utilizationRatio: null, memoryUsedBytes: null, memorySizeBytes: 8 },
    ]);
    expect(gpuReport(after(both, broken)).gpus).toMatchObject([
      { powerWatts: null },
      { powerWatts: null },
    ]);
  });

  test('ends only an agent whose engine needs it', () => {
    const state = after(both, absent, absent);
    expect(gpuLoss(state, true)).toContain('is not any more');
    expect(gpuLoss(state, false)).toBeNull();
    expect(foldSight(state, both)).toMatchObject({ kind: 'present' });
    expect(foldSight(state, missing)).toEqual(state);
  });
});

describe('an agent that may use nothing but a GPU', () => {
  test('can do no work while the driver is broken or shows none, and again when one is seen', () => {
    expect(gpuLack(after(broken), true)).toBe('no GPU can be used: it hangs');
    expect(gpuLack(after(absent), true)).toContain('no GPU can be used: ');
    expect(gpuLack(after(broken, both), true)).toBeNull();
    expect(gpuLack(after(both, broken), true)).toBeNull();
  });

  test('is not kept from it where nobody can say; nor is one that may use the CPU', () => {
    expect(gpuLack(UNSEEN, true)).toBeNull();
    expect(gpuLack(after(missing), true)).toBeNull();
    expect(gpuLack(after(broken), false)).toBeNull();
  });
});

test('a GPU that comes is taken in', () => {
  expect(gpuReport(after(round(gpu(0)), both)).gpus).toHaveLength(2);
});
