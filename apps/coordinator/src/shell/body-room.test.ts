import { expect, test } from 'vitest';
import { BodyRooms } from './body-room.ts';

const NEVER = new AbortController().signal;
const LIMITS = { smallBytes: 10, largeMax: 1 };

test('small bodies never wait, large ones come one after the other', async () => {
  const rooms = new BodyRooms(LIMITS);
  const [first, second, third] = [rooms.open(), rooms.open(), rooms.open()];
  expect([first.grow(10, NEVER), first.grow(11, NEVER), first.grow(99, NEVER)]).toEqual([
    null,
    null,
    null,
  ]);
  expect(second.grow(10, NEVER)).toBeNull();
  const order: string[] = [];
  const waits = [second, third].map((room, i) =>
    room.grow(11, NEVER)?.then(() => order.push(`${i}`)),
  );
  first.leave();
  first.leave();
  await waits[0];
  expect(order).toEqual(['0']);
  second.leave();
  await waits[1];
  expect(order).toEqual(['0', '1']);
});

test('who gives up waiting takes nobody’s place', async () => {
  const rooms = new BodyRooms(LIMITS);
  const [first, second, third] = [rooms.open(), rooms.open(), rooms.open()];
  expect(first.grow(11, NEVER)).toBeNull();
  const leaving = new AbortController();
  const given = second.grow(11, leaving.signal);
  const wait = third.grow(11, NEVER);
  leaving.abort(new Error('stopped'));
  await expect(given).rejects.toThrow('stopped');
  second.leave();
  first.leave();
  await wait;
  third.leave();
  expect(rooms.open().grow(11, NEVER)).toBeNull();
});
