import { invariant } from '@podctl/domain/result.ts';
import { describe, expect, test } from 'vitest';
import { engineEnvironment } from './engine-environment.ts';
import { firstRung, type GpuSeat, gpuSeat, planEngines, visibleSeats } from './engine-plan.ts';

/** What an H100 answered, driver 580.159.04. */
const H100 =
  '0, GPU-322e9f51-479e-df4a-73fb-f70fe04aad65, NVIDIA H100 80GB HBM3, 81559, Disabled, 9.0';
const AUTO = { computeType: 'auto', batchSize: 'auto' } as const;
const NEEDS = { device: 'auto', model: 'tiny.en', wishes: AUTO, slots: 'auto', cores: 16 } as const;

function seat(line = H100, hasTraits = true): GpuSeat {
  const read = gpuSeat(line, hasTraits);
  invariant(read.ok, 'a line about a GPU');
  return read.value;
}

const four = [0, 1, 2, 3].map((index) => ({ ...seat(), index, uuid: `GPU-${index}000-0000` }));

describe('a GPU that engines can be given', () => {
  test('is read from what an H100 answers', () => {
    expect(seat()).toEqual({
      ...{ index: 0, uuid: 'GPU-322e9f51-479e-df4a-73fb-f70fe04aad65' },
      ...{ product: 'NVIDIA H100 80GB HBM3', memorySizeBytes: 85_520_809_984 },
      ...{ computeCapability: 9, isCut: false },
    });
  });

  test('cut by MIG it does not tell of the memory of its parts, and an old driver tells of no capability', () => {
    const cut = seat(H100.replace('Disabled', 'Enabled'));
    expect(cut).toMatchObject({ isCut: true, memorySizeBytes: null });
    expect(seat('1, GPU-6f0e, Tesla, K80, 11441', false)).toMatchObject({
      product: 'Tesla, K80',
      computeCapability: null,
    });
    expect(gpuSeat('No devices were found', true).ok).toBe(false);
    expect(gpuSeat('Field "compute_cap" is not a valid field to query.', true).ok).toBe(false);
  });

  test('is one that CUDA_VISIBLE_DEVICES leaves, in its order and up to the first that is none', () => {
    const left = (visible: string | undefined) =>
      visibleSeats(four, visible).map(({ index }) => index);
    expect(left(undefined)).toEqual([0, 1, 2, 3]);
    expect(left('2,0')).toEqual([2, 0]);
    expect(left('GPU-3000')).toEqual([3]);
    expect(left('1,9,0')).toEqual([1]);
    expect(left('')).toEqual([]);
    expect(left('-1')).toEqual([]);
  });
});

describe('the engines of an agent', () => {
  test('are two on an H100 with tiny.en, and the words say why', () => {
    const { seats, words } = planEngines([seat()], NEEDS);
    expect(seats.map((of) => of?.index)).toEqual([0, 0]);
    expect(words).toBe(
      'tiny.en on GPU 0 (NVIDIA H100 80GB HBM3): 2 engines, 80 GiB: float16 fits, batch 16 of 621 that fit',
    );
  });

  test('are spread: no GPU has a second one before each has one', () => {
    expect(planEngines(four, { ...NEEDS, cores: 64 }).seats.map((of) => of?.index)).toEqual([
      0, 1, 2, 3, 0, 1, 2, 3,
    ]);
    const set = planEngines(four, { ...NEEDS, slots: 6 });
    expect(set.seats.map((of) => of?.index)).toEqual([0, 1, 2, 3, 0, 1]);
    expect(set.words).toContain('2 engines as set');
    expect(planEngines(four, { ...NEEDS, slots: 0 }).seats).toEqual([]);
  });

  test('are on the CPU where there is no GPU or none is wanted, and that is said', () => {
    expect(planEngines([], NEEDS)).toEqual({
      seats: [null],
      words: 'the CPU, since no GPU is seen',
    });
    expect(planEngines([seat()], { ...NEEDS, device: 'cpu', slots: 3 }).seats).toEqual([
      null,
      null,
      null,
    ]);
    expect(firstRung(null, 'tiny.en', AUTO, 16)).toEqual({ computeType: 'auto', batchSize: 8 });
    expect(firstRung(seat(), 'large-v3', AUTO, 16)).toMatchObject({
      computeType: 'float16',
      batchSize: 32,
    });
  });
});

describe('the environment of an engine', () => {
  const of = { gpuUuid: 'GPU-1', cudaLibraries: '/env/cublas/lib', cacheDir: '/agent/cuda-cache' };

  test('names its GPU, puts our CUDA before the system’s, and keeps what the driver compiles', () => {
    expect(engineEnvironment({ PATH: '/bin', LD_LIBRARY_PATH: '/usr/lib' }, of)).toEqual({
      ...{ PATH: '/bin', CUDA_VISIBLE_DEVICES: 'GPU-1', CUDA_CACHE_PATH: '/agent/cuda-cache' },
      ...{ LD_LIBRARY_PATH: '/env/cublas/lib:/usr/lib', ORT_DISABLE_TELEMETRY: '1' },
      GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
    });
  });

  test('without a GPU is the agent’s own', () => {
    const env = {
      ...{ CUDA_CACHE_PATH: '/var/cache/podctl/cuda', CUDA_VISIBLE_DEVICES: 'MIG-1' },
      GLIBC_TUNABLES: 'glibc.malloc.trim_threshold=1000000',
    };
    expect(engineEnvironment(env, { ...of, gpuUuid: null, cudaLibraries: null })).toEqual({
      ...env,
      ORT_DISABLE_TELEMETRY: '1',
    });
  });
});
