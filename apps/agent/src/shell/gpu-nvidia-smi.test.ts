import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@podctl/platform/clock.ts';
import { createLogger } from '@podctl/platform/logger.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type ReplayedNvidiaSmi, replayedNvidiaSmi } from '../../../../test/support/nvidia-smi.ts';
import type { GpuSight, GpuState } from '../core/gpu-state.ts';
import { NvidiaSmi } from './gpu-nvidia-smi.ts';
import { GpuWatch } from './gpu-probe.ts';

/** What comes, in order; whoever waits for more gets it when it comes. */
class Arrivals<T> {
  readonly #come: T[] = [];
  #waiting: ((item: T) => void) | null = null;

  put(item: T): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.#come.push(item);
    else waiting(item);
  }

  next(): Promise<T> {
    const [first] = this.#come.splice(0, 1);
    return first === undefined
      ? new Promise((resolve) => {
          this.#waiting = resolve;
        })
      : Promise.resolve(first);
  }

  /** One that has not come yet. */
  fresh(): Promise<T> {
    this.#come.length = 0;
    return this.next();
  }

  get count(): number {
    return this.#come.length;
  }
}

let room: string;
let clock: ManualClock;
let stopping: AbortController;
let running: Promise<void>;
let sights: Arrivals<GpuSight>;
/** Each call of the program, with its process id. */
let asked: Arrivals<string>;
beforeEach(async () => {
  room = await mkdtemp(join(tmpdir(), 'podctl-gpu-'));
  clock = new ManualClock();
  stopping = new AbortController();
  running = Promise.resolve();
  sights = new Arrivals();
  asked = new Arrivals();
});
afterEach(async () => {
  stopping.abort();
  await running;
  await rm(room, { recursive: true, force: true });
});

async function probing(name: string): Promise<ReplayedNvidiaSmi> {
  const replayed = await replayedNvidiaSmi(room, name);
  probe(replayed.env);
  return replayed;
}

function probe(env: NodeJS.ProcessEnv): void {
  const log = (line: string) => {
    if (line.startsWith('asked')) asked.put(line);
  };
  const smi = new NvidiaSmi({ clock, random: () => 0.5, log, env });
  running = smi.run((sight) => sights.put(sight), stopping.signal);
}

/** Waits until the process that told of itself is gone; one that only waits to be reaped is gone. */
async function ended(call: string): Promise<void> {
  const pid = Number(/^asked (\d+)/.exec(call)?.[1]);
  expect(pid).toBeGreaterThan(1);
  await vi.waitFor(async () => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
    expect(stat).toMatch(/\) [ZX]/);
  });
}

describe('nvidia-smi', () => {
  test('is asked once, then followed, and nothing of it stays when it is stopped', async () => {
    await probing('rtx-4090-two');
    expect(await asked.next()).toContain('--format=csv,noheader,nounits');
    expect(await sights.next()).toMatchObject({ gpus: [{ powerWatts: 16.87 }, { index: 1 }] });
    const lasting = await asked.next();
    expect(lasting).toMatch(/ -l 5$/);
    expect(await sights.next()).toMatchObject({ isWhole: true, gpus: [{ powerWatts: 16.87 }, {}] });
    expect(await sights.next()).toMatchObject({ gpus: [{ powerWatts: 388.05 }, {}] });
    expect(await sights.next()).toMatchObject({ gpus: [{ powerWatts: 391.77 }, {}] });
    stopping.abort();
    await running;
    await ended(lasting);
    expect(clock.sleeping()).toBe(0);
  });

  test('that is not there is not looked for again', async () => {
    await symlink('/bin/sh', join(room, 'sh'));
    probe({ PATH: room });
    await running;
    expect(await sights.next()).toEqual({ kind: 'missing' });
    expect(clock.sleeping()).toBe(0);
  });

  test('that hangs is killed after 5 s and said to hang; after five times it is asked no more', async () => {
    await probing('hangs');
    for (let time = 1; time <= 5; time += 1) {
      const call = await asked.next();
      await clock.advance(4_999);
      expect(sights.count).toBe(0);
      await clock.advance(1);
      expect(await sights.next()).toMatchObject({
        kind: 'broken',
        reason: expect.stringContaining('hangs: it said nothing for 5 s'),
      });
      await ended(call);
      await clock.advance(1_000 * 2 ** (time - 1));
    }
    await running;
  });

  test('that is followed and falls silent for three intervals is said to hang', async () => {
    await probing('hangs-later');
    expect(await sights.next()).toMatchObject({ kind: 'round' });
    await asked.next();
    const lasting = await asked.next();
    await clock.advance(14_999);
    expect(sights.count).toBe(0);
    await clock.advance(1);
    expect(await sights.next()).toMatchObject({
      reason: expect.stringContaining('it said nothing for 15 s'),
    });
    await ended(lasting);
  });

  test('is started anew each minute: what lasts would not see that a container lost its GPUs', async () => {
    const { replay } = await probing('rtx-4090-two');
    await sights.next();
    await sights.next();
    await replay('container-lost-its-gpus');
    for (let time = 1; time <= 6; time += 1) {
      expect(await sights.fresh()).toMatchObject({ kind: 'round' });
      await clock.advance(10_000);
    }
    while ((await sights.next()).kind === 'round');
    expect(asked.count).toBe(3);
  });

  test('that fails is asked again after a pause, longer each time', async () => {
    await probing('off-the-bus');
    for (const pauseMs of [1_000, 2_000, 4_000]) {
      await asked.next();
      expect(await sights.next()).toMatchObject({ kind: 'broken' });
      await clock.advance(pauseMs - 1);
      expect(asked.count).toBe(0);
      await clock.advance(1);
    }
  });
});

describe('the watch', () => {
  async function watching(name: string) {
    const { env, replay } = await replayedNvidiaSmi(room, name);
    const states = new Arrivals<GpuState>();
    const watch = new GpuWatch({
      probe: new NvidiaSmi({ clock: systemClock, random: () => 0, log: () => undefined, env }),
      log: createLogger({ level: 'error', component: 'agent', terminal: false }),
      seen: (state) => states.put(state),
    });
    await watch.start();
    const until = async (kind: GpuState['kind']) => {
      for (;;) {
        const state = await states.next();
        if (state.kind === kind) return state;
      }
    };
    return { watch, until, replay };
  }

  test.each(['rtx-4090-one-vanishes', 'gpu-is-lost-in-loop'])(
    'finds a GPU lost that was there: %s',
    async (name) => {
      const { watch, until } = await watching(name);
      expect(await until('present')).toMatchObject({ gpus: [{ index: 0 }, { index: 1 }] });
      expect(await until('lost')).toMatchObject({
        reason: expect.stringContaining('GPU 1 (NVIDIA GeForce RTX 4090, GPU-a4b1a2cc'),
      });
      await watch.stop();
      expect(watch.state.kind).toBe('lost');
    },
  );

  test('sees the GPUs once the driver is mended', async () => {
    const { watch, until, replay } = await watching('no-driver');
    expect(await until('unusable')).toMatchObject({
      reason: expect.stringContaining('communicate with the NVIDIA driver'),
    });
    await replay('tesla-t4');
    expect(await until('present')).toMatchObject({ gpus: [{ product: 'Tesla T4' }] });
    await watch.stop();
  });

  test('stopped before it starts never starts', async () => {
    const { env } = await replayedNvidiaSmi(room, 'hangs');
    const watch = new GpuWatch({
      probe: new NvidiaSmi({ clock, random: () => 0, log: (line) => asked.put(line), env }),
      log: createLogger({ level: 'error', component: 'agent', terminal: false }),
      seen: () => undefined,
    });
    await watch.stop();
    await watch.start();
    expect([watch.state.kind, asked.count]).toEqual(['unseen', 0]);
  });
});
