import { expect, test } from 'vitest';
import { DiskReserve } from './disk-reserve.ts';

test('downloads that begin together do not get more room than there is, and give back what is written or not needed', async () => {
  let free = 1_000;
  const reserve = new DiskReserve(async () => free, 100);
  const first = await reserve.reserve(600);
  expect(first).not.toBeNull();
  expect(await reserve.reserve(400)).toBeNull();
  expect(await reserve.isOpen()).toBe(true);
  first?.wrote(300);
  free = 700;
  expect(await reserve.reserve(400)).toBeNull();
  const second = await reserve.reserve(300);
  expect(second).not.toBeNull();
  first?.[Symbol.dispose]();
  second?.[Symbol.dispose]();
  expect(await reserve.reserve(600)).not.toBeNull();
});
