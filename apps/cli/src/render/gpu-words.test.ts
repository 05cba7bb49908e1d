import { describe, expect, test } from 'vitest';
import type { GpuView } from '../views/agent-map.ts';
import {
  gpuDrivers,
  gpuFigures,
  gpuMemory,
  gpuProducts,
  gpuTemperature,
  gpuUtilization,
} from './gpu-words.ts';

const told: GpuView = {
  ...{ index: 0, uuid: 'GPU-1', product: 'Tesla T4', driver: '570.1', backend: 'cuda' },
  ...{ memorySizeBytes: 16e9, memoryUsedBytes: 4e9, utilizationRatio: 0.97 },
  ...{ temperatureCelsius: 71, powerWatts: 69.6 },
};
const mute: GpuView = {
  ...{ index: 1, uuid: '', product: '', driver: '', backend: 'cuda' },
  ...{ memorySizeBytes: null, memoryUsedBytes: null, utilizationRatio: null },
  ...{ temperatureCelsius: null, powerWatts: null },
};
const cells = (...gpus: GpuView[]) =>
  [gpuProducts, gpuUtilization, gpuMemory, gpuTemperature, gpuDrivers].map((of) => of(gpus));

describe('the GPUs of an agent', () => {
  test('are one line, with what they have together', () => {
    expect(cells(told)).toEqual(['Tesla T4', '97%', '4.0 GB/16 GB', '71C', '570.1']);
    const second = { ...told, utilizationRatio: 0.03, temperatureCelsius: 40 };
    expect(cells(told, second)).toEqual([
      '2x Tesla T4',
      '3-97%',
      '8.0 GB/32 GB',
      '40-71C',
      '570.1',
    ]);
  });

  test('that tell nothing show nothing, and no zero', () => {
    expect(cells()).toEqual(['-', '-', '-', '-', '-']);
    expect(cells(mute)).toEqual(['unknown', '-', '-', '-', '-']);
    expect(cells(told, mute)).toEqual(['Tesla T4, unknown', '97%', '-', '71C', '570.1']);
    expect(gpuMemory([{ ...told, memoryUsedBytes: null }])).toBe('-/16 GB');
  });

  test('are shown one by one with all that each tells', () => {
    expect(gpuFigures(told)).toBe('97% busy, 4.0 GB of 16 GB, 71C, 70 W');
    expect(gpuFigures({ ...told, memoryUsedBytes: null })).toContain('16 GB of memory');
    expect(gpuFigures(mute)).toBe('no figures told');
  });
});
