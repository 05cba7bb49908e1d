import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { beforeEach, expect, test } from 'vitest';
import { WHISPER_CAPABILITIES } from '../core/engine-capabilities.ts';
import type { Engine } from './engine.ts';
import { EnginePool } from './engine-pool.ts';

const REST_MS = 120_000;
const { signal } = new AbortController();
let clock: ManualClock;
beforeEach(() => {
  clock = new ManualClock();
});

/** Given no work for so long from now. */
function engine(restMs: number): Engine {
  const untilMs = clock.monotonicMs() + restMs;
  const none = () => Promise.reject(new Error('nobody asks it'));
  return {
    describe: () => 'an engine',
    capabilities: WHISPER_CAPABILITIES,
    load: none,
    transcribe: none,
    stop: () => Promise.resolve(),
    get restMs() {
      return Math.max(0, untilMs - clock.monotonicMs());
    },
  };
}

test('an engine without memory gets no job while another has some: it waits for that one, or for its memory', async () => {
  const [starved, good] = [engine(REST_MS), engine(0)];
  const pool = new EnginePool([good, starved], clock);
  expect(await pool.take(signal)).toBe(good);
  const second = pool.take(signal);
  pool.give(good);
  expect(await second).toBe(good);
  const third = pool.take(signal);
  await clock.advance(REST_MS);
  expect(await third).toBe(starved);
});

test('when none has memory each is given at once, so that its job goes back to the fleet', async () => {
  const pool = new EnginePool([engine(REST_MS), engine(REST_MS)], clock);
  expect(await pool.take(signal)).not.toBe(await pool.take(signal));
});

test('a wait ends with its job', async () => {
  const good = engine(0);
  const pool = new EnginePool([engine(REST_MS), good], clock);
  expect(await pool.take(signal)).toBe(good);
  const job = new AbortController();
  const waiting = pool.take(job.signal);
  job.abort(new Error('cancelled'));
  await expect(waiting).rejects.toThrow('cancelled');
});
