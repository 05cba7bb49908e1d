import type { Gpu } from '@podctl/domain/gpu.ts';
import { expect, test } from 'vitest';
import { gpuFamilies } from './gpu-metrics.ts';
import { createMetrics } from './metrics.ts';

const gpu: Gpu = {
  ...{ index: 1, uuid: 'GPU-1', product: 'Tesla T4', driver: '570.1', backend: 'cuda' },
  ...{ memorySizeBytes: 16e9, memoryUsedBytes: 0, utilizationRatio: null },
  ...{ temperatureCelsius: 40, powerWatts: 9.5 },
};

/** The rows of a page that tell of GPUs. */
async function page(agents: Parameters<typeof gpuFamilies>[0]): Promise<string[]> {
  const metrics = createMetrics({ version: '1', commit: '', nodeVersion: 'v24' });
  metrics.addSource(() => gpuFamilies(agents));
  const { text } = await metrics.render();
  metrics.close();
  return text.split('\n').filter((line) => line.startsWith('podctl_gpu_'));
}

test('a figure that is not told has no row, and a 0 that is told has one', async () => {
  expect(await page([{ agent: 'a', gpus: [gpu] }])).toEqual([
    'podctl_gpu_info{agent="a",gpu="1",uuid="GPU-1",product="Tesla T4",driver="570.1",backend="cuda"} 1',
    'podctl_gpu_memory_used_bytes{agent="a",gpu="1"} 0',
    'podctl_gpu_memory_size_bytes{agent="a",gpu="1"} 16000000000',
    'podctl_gpu_temperature_celsius{agent="a",gpu="1"} 40',
    'podctl_gpu_power_watts{agent="a",gpu="1"} 9.5',
  ]);
});

test('without GPUs there are no rows at all', async () => {
  expect(await page([])).toEqual([]);
  expect(await page([{ agent: 'a', gpus: [] }])).toEqual([]);
});

test('no name of a GPU breaks out of its label', async () => {
  const product = '"} 1\npodctl_leader 1\u001b[31m\u202e';
  const rows = await page([{ agent: 'a', gpus: [{ ...gpu, product }] }]);
  expect(rows).toHaveLength(5);
  expect(rows[0]).toContain('product="\\"} 1 podctl_leader 1 [31m"');
});
