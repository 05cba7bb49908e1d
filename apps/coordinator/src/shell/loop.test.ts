import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Loop } from './loop.ts';

const TICK_MS = 1_000;
const SPACING_MS = 100;

let clock: ManualClock;
let loop: Counted;
let warned: object[];

/** A loop that notes when its turns came, and does in them what the test says. */
class Counted extends Loop {
  readonly turns: number[] = [];
  work: (signal: AbortSignal) => Promise<void> = async () => {};

  constructor(restMsMax = 0) {
    const said = { info: () => {}, error: () => {}, debug: () => {} };
    const log = { ...said, warn: (fields: object) => void warned.push(fields) };
    super('counted', { clock, tickMs: TICK_MS, spacingMs: SPACING_MS, restMsMax, log });
  }

  protected override turn(signal: AbortSignal): Promise<void> {
    this.turns.push(clock.monotonicMs());
    return this.work(signal);
  }
}

beforeEach(() => {
  clock = new ManualClock();
  warned = [];
  loop = new Counted();
});
afterEach(async () => {
  await loop.stop();
  expect(clock.sleeping()).toBe(0);
});

describe('the turns of a loop', () => {
  it('come at once at the start, and then at each tick', async () => {
    await loop.start();
    await clock.advance(2 * TICK_MS);
    expect(loop.turns).toEqual([0, TICK_MS, 2 * TICK_MS]);
  });

  it('come soon after a kick', async () => {
    await loop.start();
    await clock.advance(500);
    loop.kick();
    await clock.advance(0);
    expect(loop.turns).toEqual([0, 500]);
    await clock.advance(TICK_MS);
    expect(loop.turns).toEqual([0, 500, 500 + TICK_MS]);
  });

  it('stay apart however much is kicked, and many kicks are one turn', async () => {
    await loop.start();
    for (let ms = 0; ms < 500; ms += 10) {
      loop.kick();
      await clock.advance(10);
    }
    expect(loop.turns).toEqual([0, 100, 200, 300, 400, 500]);
    // Only the newest pause waits: those that a kick ended left no timer behind.
    expect(clock.sleeping()).toBe(1);
  });

  it('come once more after a kick in the middle of one: it may have come too late for it', async () => {
    const release = Promise.withResolvers<void>();
    loop.work = () => release.promise;
    await loop.start();
    loop.kick();
    loop.work = async () => {};
    release.resolve();
    await clock.advance(SPACING_MS);
    expect(loop.turns).toEqual([0, SPACING_MS]);
    await clock.advance(SPACING_MS);
    expect(loop.turns).toHaveLength(2);
  });

  it('come one at a time, also when one is longer than a tick', async () => {
    const release = Promise.withResolvers<void>();
    loop.work = () => release.promise;
    await loop.start();
    await loop.start();
    loop.kick();
    await clock.advance(5 * TICK_MS);
    expect(loop.turns).toEqual([0]);
    release.resolve();
    await clock.advance(SPACING_MS);
    expect(loop.turns).toEqual([0, 5 * TICK_MS + SPACING_MS]);
  });

  it('go on after one that throws, which is said: at first, and each minute while it goes on', async () => {
    loop.work = () => Promise.reject(new Error('the library is away'));
    await loop.start();
    await clock.advance(TICK_MS);
    loop.work = () => Promise.reject('a text');
    await clock.advance(59 * TICK_MS);
    const named = { loop: 'counted' };
    const said = [
      { ...named, reason: 'the library is away' },
      { ...named, reason: 'a text' },
    ];
    expect([loop.turns.length, warned]).toEqual([61, said]);
    loop.work = async () => {};
    await clock.advance(TICK_MS);
    loop.work = () => Promise.reject(new Error('again'));
    await clock.advance(TICK_MS);
    expect(warned).toEqual([...said, { ...named, reason: 'again' }]);
  });

  it('come later and later while they fail, where that is asked for, however much is kicked', async () => {
    loop = new Counted(8_000);
    loop.work = () => Promise.reject(new Error('refused'));
    await loop.start();
    for (let ms = 0; ms < 24_000; ms += 100) {
      loop.kick();
      await clock.advance(100);
    }
    expect(loop.turns).toEqual([0, 1_000, 3_000, 7_000, 15_000, 23_000]);
    loop.work = async () => {};
    await clock.advance(7_000);
    loop.kick();
    await clock.advance(SPACING_MS);
    expect(loop.turns.slice(6)).toEqual([31_000, 31_100]);
  });
});

describe('the end of a loop', () => {
  it('comes at once while it waits, and no turn comes after', async () => {
    await loop.start();
    await clock.advance(10);
    await loop.stop();
    expect(clock.sleeping()).toBe(0);
    loop.kick();
    await clock.advance(5 * TICK_MS);
    expect(loop.turns).toEqual([0]);
  });

  it('waits for the turn that runs, which is told of it, and says nothing of its failing', async () => {
    let told = false;
    loop.work = (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          told = true;
          reject(signal.reason);
        });
      });
    await loop.start();
    await loop.stop();
    expect([told, warned]).toEqual([true, []]);
  });

  it('does not come before that turn has ended', async () => {
    const release = Promise.withResolvers<void>();
    loop.work = () => release.promise;
    await loop.start();
    let stopped = false;
    const stopping = loop.stop().then(() => {
      stopped = true;
    });
    await clock.advance(TICK_MS);
    expect(stopped).toBe(false);
    release.resolve();
    await stopping;
  });

  it('is safe before the start, which then begins nothing, and twice', async () => {
    await loop.stop();
    await loop.start();
    await clock.advance(TICK_MS);
    expect(loop.turns).toEqual([]);
    await Promise.all([loop.stop(), loop.stop()]);
  });
});
