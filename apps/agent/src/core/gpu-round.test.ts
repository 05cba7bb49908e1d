import { expect, test } from 'vitest';
import { recording } from '../../../../test/support/nvidia-smi.ts';
import { EMPTY_ROUND, type GpuRound, sightOf, sightOfQuery, withLine } from './gpu-round.ts';

async function query(name: string, stderr = '') {
  return sightOfQuery({ ...(await recording(name)), stderr });
}

/** The indices of each round that lines with these indices make. */
function rounds(indices: readonly (number | string)[], expected: number): number[][] {
  const whole: GpuRound[] = [];
  let round = EMPTY_ROUND;
  for (const index of indices) {
    const line =
      typeof index === 'string' ? index : `${index}, GPU-${index}, card, 1, 1, 1, 1, 1, 1`;
    const next = withLine(round, line, expected);
    round = next.round;
    if (next.whole !== null) whole.push(next.whole);
  }
  return whole.map(({ gpus }) => gpus.map(({ index }) => index));
}

test.each([
  ['version-mismatch', 'broken', 'Driver/library version mismatch; the driver was updated'],
  ['no-driver', 'broken', "couldn't communicate with the NVIDIA driver"],
  ['no-driver', 'broken', 'installed and running; install the driver'],
  ['insufficient-permissions', 'broken', 'groups video and render'],
  ['container-lost-its-gpus', 'broken', 'start the container anew'],
  ['off-the-bus', 'broken', 'GPU0000:01:00.0: Unknown Error; a GPU has fallen off the bus'],
  ['off-the-bus-old', 'broken', 'GPU is lost.  Reboot'],
  ['no-devices', 'absent', 'No devices were found'],
  ['garbage', 'broken', '502 Bad Gateway'],
  ['silent', 'broken', 'ended with code 0 and told of no GPU'],
])('the recording %s is %s: …%s…', async (name, kind, words) => {
  const sight = await query(name);
  expect(sight.kind).toBe(kind);
  expect(sight).toHaveProperty('reason', expect.stringContaining(words));
  expect(sight).toHaveProperty('reason', expect.not.stringContaining('\n'));
});

test('GPUs that work are seen though the program warns and ends with a code', async () => {
  expect(await query('inforom-corrupted')).toMatchObject({
    kind: 'round',
    isWhole: true,
    gpus: [{ product: 'NVIDIA GeForce RTX 2080 Ti' }],
  });
});

test('cards that are cut into MIG devices are seen as cards', async () => {
  expect(await query('h100-mig-devices')).toMatchObject({
    gpus: [{ utilizationRatio: 1 }, { utilizationRatio: null, memoryUsedBytes: expect.anything() }],
  });
});

test('no program is told from a program that lacks a library', () => {
  const end = { code: 127, lines: [] };
  for (const stderr of [
    'nvidia-smi: 8: nvidia-smi: not found',
    'sh: nvidia-smi: command not found',
  ])
    expect(sightOfQuery({ ...end, stderr })).toEqual({ kind: 'missing' });
  const stderr = 'nvidia-smi: error while loading shared libraries: libnvidia-ml.so.1: cannot open';
  expect(sightOfQuery({ ...end, stderr })).toMatchObject({
    kind: 'broken',
    reason: expect.stringContaining('install the driver whole'),
  });
});

test('a program that was killed is broken', () => {
  expect(sightOfQuery({ code: null, lines: [], stderr: '' })).toMatchObject({
    reason: expect.stringContaining('was killed'),
  });
});

test('lines are parted into rounds by their number, or where the count begins anew', () => {
  expect(rounds([0, 1, 0, 1], 2)).toEqual([
    [0, 1],
    [0, 1],
  ]);
  expect(rounds([0, 0, 0], 1)).toEqual([[0], [0], [0]]);
  expect(rounds([0, 1, 0, 0, 1], 2)).toEqual([[0, 1], [0], [0, 1]]);
  expect(rounds([1, 2, 2, 2], 2)).toEqual([[1, 2], [2]]);
});

test('a GPU that comes is told beside the others, and takes none of them away', () => {
  expect(rounds([0, 0, 1, 0, 1], 1)).toEqual([[0], [0], [0, 1], [0], [0, 1]]);
});

test('empty lines and warnings are no GPUs', () => {
  expect(rounds([0, '', 'WARNING: infoROM is corrupted at gpu 0000:0B:00.0', 1], 2)).toEqual([
    [0, 1],
  ]);
});

test('a line that cannot be read leaves the round in doubt', () => {
  const torn = withLine(
    withLine(EMPTY_ROUND, '0, GPU-0, card, 1, 1, 1, 1, 1, 1', 2).round,
    '1, GPU',
    2,
  );
  expect(torn.whole).not.toBeNull();
  expect(sightOf(torn.whole ?? EMPTY_ROUND)).toMatchObject({ kind: 'round', isWhole: false });
});
