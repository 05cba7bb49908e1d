import { describe, expect, it } from 'vitest';
import { type CudaFacts, doctorGpus } from './gpu-facts.ts';
import { compareVersions, judgeCuda, judgeDriver } from './judge-cuda.ts';

/** What an H100 answered. */
const H100 = '0, 580.159.04, 81559, 480, Disabled, 9.0\n';
const well: CudaFacts = {
  gpus: doctorGpus(H100),
  cublas: { loads: true, said: 'opened' },
  libraries: '/data/python-1/nvidia/cublas/lib',
  isOnBus: true,
};
const seenGpu = { kind: 'gpus', names: ['NVIDIA H100 80GB HBM3'] } as const;
const noGpu = { kind: 'none', why: 'there is no nvidia-smi' } as const;

function driver(
  change: Partial<CudaFacts>,
  device: 'auto' | 'cpu' | 'cuda' = 'auto',
  gpu: typeof seenGpu | typeof noGpu = seenGpu,
) {
  const { outcome, seen, fix } = judgeDriver({ cuda: { ...well, ...change }, device, gpu });
  return `${outcome}: ${seen}${fix === null ? '' : ` -> ${fix}`}`;
}

function cuda(change: Partial<CudaFacts>, device: 'auto' | 'cpu' | 'cuda' = 'auto') {
  const { outcome, seen, fix } = judgeCuda({ cuda: { ...well, ...change }, device, gpu: seenGpu });
  return `${outcome}: ${seen}${fix === null ? '' : ` -> ${fix}`}`;
}

describe('the check of the driver', () => {
  it('is well with an H100 as it was seen', () => {
    expect(doctorGpus(H100)[0]).toMatchObject({
      driver: '580.159.04',
      computeCapability: 9,
      isCut: false,
    });
    expect(driver({})).toBe('ok: 580.159.04, new enough');
  });

  it.each([
    [
      '9.0',
      '560.35.03',
      'warn: the driver of GPU 0 is 560.35.03, and the engine needs 570.26 or newer',
    ],
    ['8.6', '560.35.03', 'ok: 560.35.03, new enough'],
    [
      '8.6',
      '470.256.02',
      'warn: the driver of GPU 0 is 470.256.02, and the engine needs 525.60.13 or newer',
    ],
    ['[N/A]', '525.60.13', 'ok: 525.60.13, new enough'],
  ])('of a GPU of capability %s with driver %s says %s', (capability, version, words) => {
    const gpus = doctorGpus(`0, ${version}, 81559, 480, Disabled, ${capability}`);
    expect(driver({ gpus })).toContain(words);
  });

  it('finds a GPU without a driver on the bus, one cut by MIG, and one that is full', () => {
    expect(driver({ gpus: [] }, 'auto', noGpu)).toContain(
      'warn: there is a GPU of NVIDIA, and no driver',
    );
    expect(driver({ gpus: [] }, 'cuda', noGpu)).toContain('fail: ');
    expect(driver({ gpus: [], isOnBus: false }, 'auto', noGpu)).toContain('skipped: ');
    expect(driver({ gpus: doctorGpus('0, 580.1, 81559, 480, Enabled, 9.0') })).toMatch(
      /^warn: GPU 0 is cut.*CUDA_VISIBLE_DEVICES=MIG/,
    );
    // As it was with another process on it.
    expect(
      driver({ gpus: doctorGpus('0, 580.159.04, 81559, 81512, Disabled, 9.0') }, 'cuda'),
    ).toMatch(/^fail: GPU 0 has 49 MB free of 86 GB -> end what else/);
    expect(driver({}, 'cpu')).toContain('skipped: transcribe.device is cpu');
  });
});

describe('the check of CUDA’s libraries', () => {
  it('says where they are, or why the CPU does the work', () => {
    expect(cuda({})).toBe('ok: libcublas.so.12 opens, of /data/python-1/nvidia/cublas/lib');
    expect(cuda({ libraries: null })).toContain("the system's");
    const missing = { loads: false, said: 'libcublas.so.12: cannot open shared object file' };
    expect(cuda({ libraries: null, cublas: missing })).toMatch(
      /^warn: the engine cannot open libcublas.so.12 \(libcublas.*the CPU does its work -> let this machine reach/,
    );
    expect(cuda({ cublas: missing }, 'cuda')).toMatch(/^fail: .* -> remove \/data/);
    expect(cuda({ cublas: null })).toContain('skipped: ');
  });
});

it('versions are compared by their numbers, not by their letters', () => {
  expect(compareVersions('570.9', '570.26')).toBeLessThan(0);
  expect(compareVersions('525.60.13', '525.60.13')).toBe(0);
  expect(compareVersions('1000.1', '580.159.04')).toBeGreaterThan(0);
});
