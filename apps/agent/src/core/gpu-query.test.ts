import { GPU_LIMITS } from '@podctl/domain/gpu.ts';
import { invariant } from '@podctl/domain/result.ts';
import { describe, expect, test } from 'vitest';
import { recording } from '../../../../test/support/nvidia-smi.ts';
import { gpuRow, ROW_LENGTH_MAX } from './gpu-query.ts';

const GIB = 1_024 ** 3;

async function first(name: string) {
  const { lines } = await recording(name);
  const row = gpuRow(lines[0] ?? '');
  invariant(row.ok && row.value.kind === 'gpu', 'a line about a GPU');
  return row.value.gpu;
}

const told = {
  memory: ['memorySizeBytes', 'memoryUsedBytes'],
  utilization: ['utilizationRatio'],
  temperature: ['temperatureCelsius'],
  power: ['powerWatts'],
} as const;

describe('a line of nvidia-smi', () => {
  test('becomes a GPU in bytes, ratio, degrees and watts', async () => {
    expect(await first('rtx-3070-ti')).toEqual({
      index: 0,
      uuid: 'GPU-6f0e5a3a-5b70-4f0d-a4d2-9f1a8a7c1e52',
      product: 'NVIDIA GeForce RTX 3070 Ti',
      driver: '535.183.01',
      backend: 'cuda',
      memorySizeBytes: 8 * GIB,
      memoryUsedBytes: 4_873 * 1_024 ** 2,
      utilizationRatio: 0.97,
      temperatureCelsius: 71,
      powerWatts: 268.43,
    });
  });

  test.each<[string, readonly (keyof typeof told)[]]>([
    ['gtx-1080-ti', ['power']],
    ['gtx-titan-not-supported', ['utilization', 'power']],
    ['rtx-2080', []],
    ['tesla-t4', []],
    ['a100', []],
    ['a100-mig-host', ['utilization']],
    ['a100-mig-container', ['memory', 'utilization']],
    ['h100', []],
    ['h100-seen', []],
    ['jetson-orin', ['memory', 'utilization', 'temperature', 'power']],
    ['wsl', ['power']],
    ['unknown-error-figures', ['temperature', 'power']],
  ])('of %s has exactly these figures absent, and none of them 0: %j', async (name, absent) => {
    const gpu = await first(name);
    for (const [what, fields] of Object.entries(told))
      for (const field of fields) {
        const isAbsent = absent.some((one) => one === what);
        expect([field, gpu[field] === null]).toEqual([field, isAbsent]);
      }
    expect(gpu.product).not.toBe('');
  });

  test('may have commas in the name of the card', async () => {
    expect(await first('name-with-commas')).toMatchObject({
      product: 'NVIDIA RTX PRO 6000, Blackwell, Max-Q',
      driver: '575.51.03',
      powerWatts: 22.1,
    });
  });

  test('without a UUID has none', async () => {
    expect(await first('jetson-orin')).toMatchObject({ uuid: '', product: 'Orin (nvgpu)' });
  });

  test('may tell that the GPU cannot be reached any more', async () => {
    const { lines } = await recording('gpu-is-lost-in-loop');
    expect(gpuRow(lines.at(-1) ?? '')).toEqual({ ok: true, value: { kind: 'lost', index: 1 } });
  });

  test('that is none is a sentence with the line in it', async () => {
    const { lines } = await recording('garbage');
    expect(lines).toHaveLength(4);
    for (const line of lines)
      expect(gpuRow(line)).toMatchObject({
        ok: false,
        error: expect.stringContaining('expected'),
      });
    expect(gpuRow('\u001b[31mred')).toMatchObject({
      ok: false,
      error: expect.not.stringContaining('\u001b'),
    });
    expect(gpuRow('0,'.repeat(ROW_LENGTH_MAX))).toMatchObject({
      ok: false,
      error: expect.stringContaining('2000 characters'),
    });
  });

  test('with figures that cannot be has them absent', () => {
    const row = gpuRow('0, GPU-1, card, 1.0, 99999999999, 1, 10000, 5110, 999999');
    expect(row).toMatchObject({
      value: {
        gpu: {
          memorySizeBytes: null,
          utilizationRatio: null,
          temperatureCelsius: null,
          powerWatts: null,
          memoryUsedBytes: 1_048_576,
        },
      },
    });
  });

  test('gives names no longer than a heartbeat may carry, and without control characters', () => {
    const row = gpuRow(`0, GPU-1, ${'x'.repeat(500)}\u0007\u202e, 1.0, 1, 1, 1, 1, 1`);
    invariant(row.ok && row.value.kind === 'gpu', 'a GPU');
    expect(row.value.gpu.product).toBe('x'.repeat(GPU_LIMITS.productLengthMax));
  });
});
