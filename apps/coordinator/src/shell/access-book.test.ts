import type { UserRecord } from '@podctl/domain/access.ts';
import { userKey } from '@podctl/domain/key.ts';
import { userRecord } from '@podctl/platform/access-records.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AccessBook } from './access-book.ts';

let nats: MemoryNats;
let book: AccessBook;
beforeEach(() => {
  nats = new MemoryNats(systemClock, {
    onError: (error) => {
      throw error;
    },
  });
  book = new AccessBook(nats.client('one').kv('podctl_access'));
});
afterEach(async () => {
  await book.stop();
  nats.stop();
});

const bob: UserRecord = {
  ...{ name: 'bob', role: 'viewer', secretSha256: '0'.repeat(64) },
  ...{ createdMs: 1, createdBy: 'ann', revokedMs: null },
};
const entryOf = (record: UserRecord, revision: number) => ({
  ...({ kind: 'value', key: userKey('bob'), revision } as const),
  value: userRecord.encode(record),
});

test('an older write that is heard later, as by the tail after our own, changes nothing', () => {
  book.entry(entryOf({ ...bob, revokedMs: 5 }, 7));
  let told = 0;
  book.onChange(() => {
    told += 1;
  });
  book.entry(entryOf(bob, 6));
  book.entry(entryOf(bob, 7));
  expect([book.user('bob')?.revokedMs, told]).toEqual([5, 0]);
  book.entry(entryOf(bob, 8));
  expect([book.user('bob')?.revokedMs, told]).toEqual([null, 1]);
});

test('a record that is gone, or that is not readable any more, lets nobody in', () => {
  book.entry(entryOf(bob, 1));
  book.entry({ kind: 'gone', key: userKey('bob'), revision: 2 });
  expect(book.user('bob')).toBeNull();
  book.entry(entryOf(bob, 3));
  book.entry({ ...entryOf(bob, 4), value: new TextEncoder().encode('{"version":9}') });
  expect([book.user('bob'), book.unreadable]).toEqual([null, 1]);
  book.entry(entryOf(bob, 5));
  expect([book.user('bob')?.name, book.unreadable]).toEqual(['bob', 0]);
});

test('a key of no known kind is passed over, and counted', () => {
  book.entry({ ...entryOf(bob, 1), key: 'group.bob' });
  expect([book.users(), book.unreadable]).toEqual([[], 1]);
});

test('a bucket that was made anew lets in nobody of before, until it is read', () => {
  book.entry(entryOf(bob, 9));
  book.current();
  expect(book.isCurrent).toBe(true);
  book.rewound();
  expect([book.user('bob'), book.isCurrent]).toEqual([null, false]);
  book.entry(entryOf(bob, 1));
  expect(book.user('bob')?.name).toBe('bob');
});

test('it is started once all that was in the bucket is known, and a stop meanwhile ends the wait', async () => {
  const kv = nats.client('two').kv('podctl_access');
  await kv.put(userKey('bob'), userRecord.encode(bob));
  await book.start();
  expect(book.user('bob')?.name).toBe('bob');
  const cut = nats.client('three');
  cut.cut();
  const late = new AccessBook(cut.kv('podctl_access'));
  const starting = late.start();
  starting.catch(() => {});
  await late.stop();
  await expect(starting).rejects.toThrow('closed');
});
