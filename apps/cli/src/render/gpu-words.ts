import type { GpuView } from '../views/agent-map.ts';
import { percentWords, sizeWords } from './words.ts';

const ABSENT = '-';

/** What they are: `NVIDIA H100 PCIe`, `2x Tesla T4`, `NVIDIA A10, 2x Tesla T4`; `-` for none. */
export function gpuProducts(gpus: readonly GpuView[]): string {
  const counts = new Map<string, number>();
  for (const { product } of gpus) {
    const name = product === '' ? 'unknown' : product;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const words = [...counts].map(([name, count]) => (count === 1 ? name : `${count}x ${name}`));
  return words.join(', ') || ABSENT;
}

/** From the least to the most, of those that tell: `97%`, `3-97%`. */
export function gpuUtilization(gpus: readonly GpuView[]): string {
  return range(known(gpus.map(({ utilizationRatio }) => utilizationRatio)).map(percent), '%');
}

/** Of all together, `5.1/8.6 GB`; `-` when one of them does not tell. */
export function gpuMemory(gpus: readonly GpuView[]): string {
  const used = known(gpus.map(({ memoryUsedBytes }) => memoryUsedBytes));
  const size = known(gpus.map(({ memorySizeBytes }) => memorySizeBytes));
  if (gpus.length === 0 || size.length < gpus.length) return ABSENT;
  const usedWords = used.length < gpus.length ? ABSENT : sizeWords(sum(used));
  return `${usedWords}/${sizeWords(sum(size))}`;
}

/** `71C`, `44-71C`. */
export function gpuTemperature(gpus: readonly GpuView[]): string {
  return range(known(gpus.map((gpu) => gpu.temperatureCelsius)).map(Math.round), 'C');
}

export function gpuDrivers(gpus: readonly GpuView[]): string {
  return [...new Set(gpus.map(({ driver }) => driver))].filter(Boolean).join(', ') || ABSENT;
}

/** One of them with all that it tells: `97% busy, 5.1 GB of 8.6 GB, 71C, 268 W`. */
export function gpuFigures(gpu: GpuView): string {
  const { utilizationRatio, temperatureCelsius, powerWatts } = gpu;
  const memory = memoryWords(gpu);
  const words = [
    ...(utilizationRatio === null ? [] : [`${percent(utilizationRatio)}% busy`]),
    ...(memory === null ? [] : [memory]),
    ...(temperatureCelsius === null ? [] : [`${Math.round(temperatureCelsius)}C`]),
    ...(powerWatts === null ? [] : [`${Math.round(powerWatts)} W`]),
  ];
  return words.join(', ') || 'no figures told';
}

function memoryWords({ memoryUsedBytes, memorySizeBytes }: GpuView): string | null {
  if (memorySizeBytes === null) return null;
  const size = sizeWords(memorySizeBytes);
  return memoryUsedBytes === null
    ? `${size} of memory`
    : `${sizeWords(memoryUsedBytes)} of ${size}`;
}

function percent(ratio: number): number {
  return Number(percentWords(ratio));
}

function known(figures: readonly (number | null)[]): number[] {
  return figures.filter((figure) => figure !== null);
}

function sum(figures: readonly number[]): number {
  return figures.reduce((total, figure) => total + figure, 0);
}

function range(figures: readonly number[], unit: string): string {
  if (figures.length === 0) return ABSENT;
  const [least, most] = [Math.min(...figures), Math.max(...figures)];
  return least === most ? `${most}${unit}` : `${least}-${most}${unit}`;
}
