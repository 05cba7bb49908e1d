import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import type { EventStream } from '@podctl/platform/event-stream.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { type MemoryClient, MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import type { EventType, FleetEvent } from '../core/event.ts';
import { EventArchive } from './event-archive.ts';
import { EventLog } from './event-log.ts';
import { EventRecorder } from './event-recorder.ts';

const quiet = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
const everything = { types: [], feed: null, agent: null, sinceMs: null };
const signal = new AbortController().signal;
const MINUTE_MS = 60_000;

let clock: ManualClock;
let nats: MemoryNats;
beforeEach(() => {
  clock = new ManualClock();
  nats = new MemoryNats(clock, {
    onError: (error) => {
      throw error;
    },
  });
});

/** A coordinator as far as events go: what its tail told it, and its way to the stream. */
class Seer {
  readonly client: MemoryClient;
  readonly events: EventLog;
  readonly recorded = { stored: 0, dropped: 0 };
  readonly #name: string;
  /** How often something was to be stored. */
  tries = 0;
  #recorder: EventRecorder | null = null;
  #held: PromiseWithResolvers<void> | null = null;

  constructor(name: string) {
    this.#name = name;
    this.client = nats.client(name);
    this.events = new EventLog({
      clock,
      titleOf: async () => 'The Long Case',
      added: () => this.#recorder?.kick(),
    });
  }

  sees(revision: number | null, type: EventType = 'job_done'): void {
    const event: FleetEvent = {
      ...{ type, feed: 'alpha' as FeedId, episode: 'e'.repeat(26) as EpisodeId },
      ...{ stage: 'download', agent: null, message: `at ${revision}` },
    };
    this.events.add([event], revision);
  }

  async leads(): Promise<void> {
    const { client, events } = this;
    const real = client.events();
    const stream: EventStream = {
      append: async (event) => {
        this.tries += 1;
        await this.#held?.promise;
        return real.append(event);
      },
      read: (...of) => real.read(...of),
      bounds: (of) => real.bounds(of),
      onAppend: (listener) => real.onAppend(listener),
    };
    this.#recorder = new EventRecorder({
      ...{ clock, log: quiet, stream, events, coordinator: this.#name },
      cluster: () => 'c1',
      connected: () => client.reachesServer,
      recorded: (stored, dropped) => {
        this.recorded.stored += stored;
        this.recorded.dropped += dropped;
      },
    });
    await this.#recorder.start();
    await clock.advance(2_000);
  }

  /** The stream answers nothing until it is released. */
  hold(): void {
    this.#held = Promise.withResolvers();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = null;
  }

  async stops(): Promise<void> {
    await this.#recorder?.stop();
    this.#recorder = null;
  }
}

async function stored(): Promise<(number | null)[]> {
  const reader = new EventArchive(nats.client(`reader ${clock.monotonicMs()} ${reads++}`).events());
  const { events } = await reader.page(everything, 0, 100_000, signal);
  return events.map(({ revision }) => revision);
}
let reads = 0;

describe('what happens', () => {
  test('is stored by the leader as it comes, whole, with its revision', async () => {
    const one = new Seer('one');
    await one.leads();
    one.sees(7);
    await clock.advance(100);
    const archive = new EventArchive(nats.client('reader').events());
    const { events } = await archive.page(everything, 0, 10, signal);
    expect(events).toEqual([
      {
        ...{
          sequence: 1,
          id: 'c1.7.job_done.download',
          cluster: 'c1',
          revision: 7,
          atMs: clock.wallMs() - 100,
        },
        ...{ type: 'job_done', feed: 'alpha', episode: 'e'.repeat(26), stage: 'download' },
        ...{ agent: null, title: 'The Long Case', message: 'at 7' },
      },
    ]);
    await one.stops();
  });

  test('is stored once though every coordinator sees it', async () => {
    const [one, two] = [new Seer('one'), new Seer('two')];
    await one.leads();
    for (const seer of [one, two]) seer.sees(7);
    await clock.advance(100);
    expect(await stored()).toEqual([7]);
    await one.stops();
  });

  test('is stored by the next leader where the last one died before it could', async () => {
    const [one, two] = [new Seer('one'), new Seer('two')];
    await one.leads();
    for (const seer of [one, two]) for (const revision of [7, 8]) seer.sees(revision);
    await clock.advance(100);
    one.client.cut();
    for (const revision of [9, 10]) two.sees(revision);
    await clock.advance(10 * MINUTE_MS);
    expect(await stored()).toEqual([7, 8]);
    await two.leads();
    two.sees(11);
    await clock.advance(100);
    expect(await stored()).toEqual([7, 8, 9, 10, 11]);
    expect(two.recorded).toEqual({ stored: 3, dropped: 0 });
    await Promise.all([one.stops(), two.stops()]);
  });

  test('is not stored again by a leader that comes long after, nor by one that leads again', async () => {
    const [one, two] = [new Seer('one'), new Seer('two')];
    await one.leads();
    for (let revision = 1; revision <= 2_000; revision += 1) {
      one.sees(revision);
      two.sees(revision);
      if (revision % 100 === 0) await clock.advance(50);
    }
    await clock.advance(MINUTE_MS);
    await one.stops();
    await clock.advance(60 * MINUTE_MS);
    await two.leads();
    two.sees(2_001);
    one.sees(2_001);
    await clock.advance(1_000);
    await two.stops();
    await clock.advance(60 * MINUTE_MS);
    await one.leads();
    const revisions = await stored();
    expect([revisions.length, new Set(revisions).size]).toEqual([2_001, 2_001]);
    await one.stops();
  });

  test('two leaders at once store it once', async () => {
    const [one, two] = [new Seer('one'), new Seer('two')];
    await one.leads();
    await two.leads();
    for (const seer of [one, two]) for (const revision of [7, 8]) seer.sees(revision);
    await clock.advance(1_000);
    expect((await stored()).sort()).toEqual([7, 8]);
    await Promise.all([one.stops(), two.stops()]);
  });

  test('waits while the stream does not answer, and is stored in order once it does', async () => {
    const one = new Seer('one');
    await one.leads();
    one.client.cut();
    for (const revision of [7, 8, 9]) one.sees(revision);
    await clock.advance(5_000);
    expect(await stored()).toEqual([]);
    one.client.heal();
    await clock.advance(30_000);
    expect(await stored()).toEqual([7, 8, 9]);
    expect(one.recorded).toEqual({ stored: 3, dropped: 0 });
    await one.stops();
  });

  test('has room for ten thousand while it waits: what is more is counted as dropped', async () => {
    const one = new Seer('one');
    await one.leads();
    one.client.cut();
    for (let revision = 1; revision <= 10_030; revision += 1) one.sees(revision);
    await clock.advance(1_000);
    one.client.heal();
    await clock.advance(30_000);
    expect(one.recorded).toEqual({ stored: 10_000, dropped: 30 });
    expect((await stored())[0]).toBe(31);
    await one.stops();
  }, 20_000);

  test('in the last moment of a reign is stored before it ends', async () => {
    const one = new Seer('one');
    await one.leads();
    one.sees(7);
    await clock.advance(0);
    await one.stops();
    expect(await stored()).toEqual([7]);
  });

  test('is not counted as stored by a reign that has ended: the next one begins at its own place', async () => {
    const one = new Seer('one');
    await one.leads();
    one.sees(7);
    await clock.advance(5);
    one.hold();
    const stopping = one.stops();
    await clock.advance(2_000);
    await stopping;
    one.release();
    await clock.advance(0);
    expect([one.events.stored, one.recorded.stored, one.tries]).toEqual([0, 0, 1]);
  });

  test('is not tried at each event where the stream refuses at once', async () => {
    const one = new Seer('one');
    await one.leads();
    one.client.cut();
    one.tries = 0;
    for (let revision = 1; revision <= 600; revision += 1) {
      one.sees(revision);
      await clock.advance(100);
    }
    expect(one.tries).toBeLessThan(8 * 64);
    one.client.heal();
    await clock.advance(30_000);
    expect(await stored()).toHaveLength(600);
    await one.stops();
  });

  test('keeps nobody from stopping where the stream is gone', async () => {
    const one = new Seer('one');
    await one.leads();
    one.sees(7);
    one.client.cut();
    await one.stops();
    expect(await stored()).toEqual([]);
  });
});

describe('what a coordinator saw beside the state', () => {
  test('is stored when it leads, if nothing newer is', async () => {
    const [one, two] = [new Seer('one'), new Seer('two')];
    two.sees(null, 'library');
    await clock.advance(MINUTE_MS);
    await one.leads();
    one.sees(7);
    await clock.advance(MINUTE_MS);
    two.sees(null, 'library');
    await clock.advance(MINUTE_MS);
    await one.stops();
    await two.leads();
    expect(await stored()).toEqual([7, null]);
    await two.stops();
  });
});
