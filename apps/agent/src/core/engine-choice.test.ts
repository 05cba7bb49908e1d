import { describe, expect, test } from 'vitest';
import { chooseEngine, type GpuTraits } from './engine-choice.ts';

const GIB = 1_024 ** 3;
const AUTO = { computeType: 'auto', batchSize: 'auto' } as const;
/** As its nvidia-smi tells. */
const H100: GpuTraits = { memorySizeBytes: 81_559 * 1_024 ** 2, computeCapability: 9 };
const gpu = (gib: number, computeCapability: number | null = 8.6): GpuTraits => ({
  memorySizeBytes: gib * GIB,
  computeCapability,
});

describe('how an engine runs on a GPU', () => {
  test.each([
    ['tiny.en', H100, { computeType: 'float16', batchSize: 16, enginesPerGpu: 2 }],
    ['large-v3', H100, { computeType: 'float16', batchSize: 32, enginesPerGpu: 1 }],
    ['large-v3', gpu(24), { computeType: 'float16', batchSize: 31, enginesPerGpu: 1 }],
    ['large-v3', gpu(8), { computeType: 'float16', batchSize: 5, enginesPerGpu: 1 }],
    ['large-v3', gpu(6), { computeType: 'int8_float16', batchSize: 5, enginesPerGpu: 1 }],
    ['large-v3-turbo', gpu(8), { computeType: 'float16', batchSize: 32, enginesPerGpu: 1 }],
    [
      'Systran/faster-whisper-small',
      gpu(8),
      { computeType: 'float16', batchSize: 16, enginesPerGpu: 2 },
    ],
    ['tiny.en', gpu(11, 6.1), { computeType: 'int8_float32', batchSize: 16, enginesPerGpu: 2 }],
    ['tiny.en', gpu(16, 5.2), { computeType: 'float32', batchSize: 16, enginesPerGpu: 2 }],
  ])('%s is chosen for by memory and capability', (model, traits, expected) => {
    expect(chooseEngine(traits, model, AUTO, 16)).toMatchObject(expected);
  });

  test('fits where it was measured: what an H100 needed at its peak is within what was chosen for', () => {
    // MiB at the peak, float16, of docs/gpu.md: a GPU of that much and a tenth holds the batch.
    const measured = [
      ['tiny', 16, 1_620],
      ['base', 16, 1_588],
      ['small', 16, 3_188],
      ['large-v3-turbo', 32, 6_774],
      ['medium', 32, 13_141],
      ['large-v3', 16, 12_949],
      ['large-v3', 32, 21_653],
    ] as const;
    for (const [model, batch, peakMib] of measured) {
      const traits = { memorySizeBytes: (peakMib / 0.9) * 1_024 ** 2, computeCapability: 8.6 };
      const { batchSize, computeType } = chooseEngine(traits, model, AUTO, 4);
      expect.soft(computeType, model).toBe('float16');
      expect.soft(batchSize, model).toBeLessThanOrEqual(batch);
      expect.soft(batchSize, model).toBeGreaterThan(batch * 0.7);
    }
  });

  test('what is set is done, and the reason says that it is set', () => {
    const choice = chooseEngine(H100, 'tiny.en', { computeType: 'int8', batchSize: 3 }, 16);
    expect(choice).toMatchObject({ computeType: 'int8', batchSize: 3 });
    expect(choice.reason).toContain('int8 as set, batch 3 as set');
  });

  test('few cores have one engine: a second one would wait for them', () => {
    expect(chooseEngine(H100, 'tiny.en', AUTO, 4).enginesPerGpu).toBe(1);
  });

  test('memory that is not told is taken for little, and a model of an unknown name for large', () => {
    const cut = { memorySizeBytes: null, computeCapability: 9 };
    expect(chooseEngine(cut, 'tiny.en', AUTO, 16)).toMatchObject({
      batchSize: 8,
      enginesPerGpu: 1,
    });
    expect(chooseEngine(gpu(6), 'owner/mine', AUTO, 16).computeType).toBe('int8_float16');
  });
});
