/** Whether a disk takes new work. */
export type DiskFloor = 'open' | 'shut';

/** Above the floor by so much it is opened again: else each file that is removed would begin a download that fills it. */
const SPARE_SHARE = 0.1;

/** Pure. `reservedBytes`: what those that run will still write. A disk that does not tell its space is taken for one with room. */
export function diskFloor(
  before: DiskFloor,
  freeBytes: number | null,
  reservedBytes: number,
  floorBytes: number,
): DiskFloor {
  if (freeBytes === null) return 'open';
  const needed = before === 'shut' ? floorBytes + floorBytes * SPARE_SHARE : floorBytes;
  return freeBytes - reservedBytes >= needed ? 'open' : 'shut';
}
