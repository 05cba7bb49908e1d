import { ok } from '@podctl/domain/result.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { expect, test } from 'vitest';
import { RepeatedRequests } from './repeated-requests.ts';

const asked = { method: 'CreateToken', caller: 'ann', request: { uses: 1n } };

test('an answer is dropped on time though nobody asks again, and no timer is left', async () => {
  const clock = new ManualClock();
  const requests = new RepeatedRequests(clock);
  const answer = async () => ok('a secret');
  await requests.answer({ ...asked, key: 'a' }, answer);
  await clock.advance(300_000);
  await requests.answer({ ...asked, key: 'b' }, answer);
  await clock.advance(301_000);
  expect(requests.size).toBe(1);
  await clock.advance(360_000);
  expect([requests.size, clock.sleeping()]).toEqual([0, 0]);
  await requests.answer({ ...asked, key: 'c' }, answer);
  expect(clock.sleeping()).toBe(1);
  requests.stop();
  await clock.advance(0);
  expect(clock.sleeping()).toBe(0);
});

test('a large answer is given and not kept, so it is made again', async () => {
  const requests = new RepeatedRequests(new ManualClock());
  let made = 0;
  const large = async () => {
    made += 1;
    return ok('x'.repeat(600_000));
  };
  for (let i = 0; i < 2; i += 1)
    expect(await requests.answer({ ...asked, key: 'a' }, large)).toMatchObject({ ok: true });
  expect([made, requests.size]).toEqual([2, 0]);
  requests.stop();
});
