import { expect, test } from 'vitest';
import { engineIdle, idleUntil } from './engine-idle.ts';

test('an engine is idle beside work from the job’s coming to its request, and from its end to the next request', () => {
  let idle = idleUntil(engineIdle(1, 0), { held: 2 }, 1_000);
  idle = idleUntil(idle, { atWork: 1 }, 1_500);
  idle = idleUntil(idle, { atWork: 0 }, 60_000);
  idle = idleUntil(idle, { held: 1 }, 60_200);
  idle = idleUntil(idle, { atWork: 1 }, 60_300);
  idle = idleUntil(idle, { atWork: 0, held: 0 }, 90_000);
  expect(idleUntil(idle, {}, 200_000).idleMs).toBe(500 + 300);
});

test('of four engines and three jobs, one of them at work, two are idle beside work', () => {
  const idle = idleUntil(engineIdle(4, 0), { held: 3, atWork: 1 }, 0);
  expect(idleUntil(idle, {}, 1_000).idleMs).toBe(2_000);
});
