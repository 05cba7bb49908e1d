import { expect, test } from 'vitest';
import { HostLookup, hostLookupLimits } from './host-lookup.ts';

function world(some: { namesMax?: number; atOnceMax?: number; slowMax?: number } = {}) {
  const asked: string[] = [];
  const pending: PromiseWithResolvers<{ address: string; family: number }[]>[] = [];
  const clock = { nowMs: 0, monotonicMs: () => clock.nowMs };
  const names = new HostLookup({
    ...{ clock, holdMs: 100, holdFailedMs: 10, namesMax: 10, atOnceMax: 2 },
    ...{ slowMax: 1, slowMs: 50 },
    ...some,
    resolve: (hostname) => {
      asked.push(hostname);
      const answer = Promise.withResolvers<{ address: string; family: number }[]>();
      pending.push(answer);
      return answer.promise;
    },
  });
  const answer = (address = '8.8.8.8') => pending.shift()?.resolve([{ address, family: 4 }]);
  return { asked, pending, clock, names, answer };
}

test('a name is asked for once by all who want it at a time, and again when its answer is old', async () => {
  const { asked, clock, names, answer } = world();
  const both = [names.find('a'), names.find('a')];
  answer('1.1.1.1');
  const found = await Promise.all(both);
  expect(found.map(([one]) => one?.address)).toEqual(['1.1.1.1', '1.1.1.1']);
  clock.nowMs = 99;
  await names.find('a');
  expect(asked).toEqual(['a']);
  clock.nowMs = 100;
  const again = names.find('a');
  answer('2.2.2.2');
  expect((await again)[0]?.address).toBe('2.2.2.2');
});

test('a name that was not found is asked for again soon', async () => {
  const { asked, clock, names, pending, answer } = world();
  const failed = names.find('a');
  pending.shift()?.reject(new Error('ENOTFOUND'));
  await expect(failed).rejects.toThrow('ENOTFOUND');
  await expect(names.find('a')).rejects.toThrow('ENOTFOUND');
  clock.nowMs = 10;
  const again = names.find('a');
  answer();
  await again;
  expect(asked).toEqual(['a', 'a']);
});

test('no more questions are asked at once than may be, and the others come in turn', async () => {
  const { asked, names, answer } = world();
  const [first, , third] = ['a', 'b', 'c'].map((name) => names.find(name));
  expect(asked).toEqual(['a', 'b']);
  answer();
  await first;
  answer();
  answer();
  await third;
  expect(asked).toEqual(['a', 'b', 'c']);
});

test('names of dead name servers keep no others waiting, once they are known', async () => {
  const { asked, clock, names, pending, answer } = world({ atOnceMax: 3 });
  const dead = ['x', 'y', 'z'];
  const first = dead.map((name) => names.find(name));
  clock.nowMs = 50;
  for (const one of pending.splice(0)) one.reject(new Error('EAI_AGAIN'));
  await Promise.allSettled(first);
  clock.nowMs = 100;
  const second = dead.map((name) => names.find(name));
  const good = ['a', 'b'].map((name) => names.find(name));
  expect(asked.slice(3)).toEqual(['x', 'a', 'b']);
  // They are asked for all the same, one after the other, and are like all others once they answer in time.
  for (const _ of [...dead, ...good]) {
    answer();
    await new Promise(setImmediate);
  }
  await Promise.all([...second, ...good]);
  clock.nowMs = 1_000;
  for (const name of dead) void names.find(name);
  expect(asked.slice(8)).toEqual(dead);
});

test('a quarter of the threads is left to files', () => {
  expect(hostLookupLimits(undefined)).toMatchObject({ atOnceMax: 3, slowMax: 1 });
  expect(hostLookupLimits('16')).toMatchObject({ atOnceMax: 12, slowMax: 4 });
  expect(hostLookupLimits('no number')).toMatchObject({ atOnceMax: 3 });
});

test('the oldest names are forgotten when there are too many', async () => {
  const { asked, names, answer } = world({ namesMax: 2, atOnceMax: 9 });
  const all = ['a', 'b', 'c'].map((name) => names.find(name));
  for (const _ of all) answer();
  await Promise.all(all);
  await names.find('c');
  expect(asked).toEqual(['a', 'b', 'c']);
  const again = names.find('a');
  answer();
  await again;
  expect(asked).toEqual(['a', 'b', 'c', 'a']);
});
