import { type Gpu, plainLine } from '@podctl/domain/gpu.ts';
import type { MetricFamily, MetricSample } from './metrics.ts';

/** The longest text that a GPU may have. */
const LABEL_LENGTH_MAX = 96;

const FIGURES = [
  ['podctl_gpu_utilization_ratio', 'Share of the last moments at work.', 'utilizationRatio'],
  ['podctl_gpu_memory_used_bytes', 'Memory in use.', 'memoryUsedBytes'],
  ['podctl_gpu_memory_size_bytes', 'Memory in all.', 'memorySizeBytes'],
  ['podctl_gpu_temperature_celsius', 'Temperature of the chip.', 'temperatureCelsius'],
  ['podctl_gpu_power_watts', 'Power drawn.', 'powerWatts'],
] as const;

/**
 * The rows of GPUs, the same at an agent and at a coordinator. A figure that is not told has no row. Two GPUs that are
 * told under one index share their rows: only an agent that lies tells so.
 */
export function gpuFamilies(
  agents: readonly { readonly agent: string; readonly gpus: readonly Gpu[] }[],
): MetricFamily[] {
  const all = agents.flatMap(({ agent, gpus }) =>
    gpus.map((gpu) => ({ gpu, labels: { agent, gpu: String(gpu.index) } })),
  );
  const infos = all.map(({ gpu, labels }) => ({ labels: { ...labels, ...words(gpu) }, value: 1 }));
  return [
    { name: 'podctl_gpu_info', type: 'gauge', help: 'What each GPU is; always 1.', samples: infos },
    ...FIGURES.map(([name, help, field]): MetricFamily => {
      const samples = all.flatMap(({ gpu, labels }): MetricSample[] => {
        const value = gpu[field];
        return value === null ? [] : [{ labels, value }];
      });
      return {
        name,
        type: 'gauge',
        help: `${help} Absent where the machine does not tell.`,
        samples,
      };
    }),
  ];
}

/** They come from other machines: nothing that steers whoever prints the page. */
function words({ uuid, product, driver, backend }: Gpu) {
  return {
    uuid: plainLine(uuid, LABEL_LENGTH_MAX),
    product: plainLine(product, LABEL_LENGTH_MAX),
    driver: plainLine(driver, LABEL_LENGTH_MAX),
    backend: plainLine(backend, LABEL_LENGTH_MAX),
  };
}
