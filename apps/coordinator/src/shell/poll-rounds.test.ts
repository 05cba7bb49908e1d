import type { FeedId } from '@podctl/domain/ids.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import type { DueFeed } from '../core/poll-queue.ts';
import { PollRounds, type PollRoundsOptions } from './poll-rounds.ts';

const MINUTE_MS = 60_000;
const alpha = 'alpha' as FeedId;
let nowMs = 0;
let record: object;
let rounds: Rounds;

/** Notes what is polled; whether the end of a poll was written is up to the test. */
class Rounds extends PollRounds {
  isSaid = true;
  readonly polls: { readonly feed: FeedId; readonly whole: boolean }[] = [];

  protected override async poll({ feed }: DueFeed, whole: boolean): Promise<boolean> {
    this.polls.push({ feed, whole });
    return this.isSaid;
  }

  async look(): Promise<number> {
    const before = this.polls.length;
    await this.turn(new AbortController().signal);
    await new Promise((resolve) => setImmediate(resolve));
    return this.polls.length - before;
  }
}

beforeEach(() => {
  nowMs = 1_000 * MINUTE_MS;
  const url = 'https://a.test/feed';
  record = { url, nextPollMs: nowMs - 1, failures: 0, lastSuccessMs: 1 };
  const feeds = new Map([[alpha, { id: alpha, record: null }]]);
  const options = {
    clock: { wallMs: () => nowMs, monotonicMs: () => nowMs },
    replica: {
      get snapshot() {
        feeds.set(alpha, { id: alpha, record: record as never });
        return { feeds };
      },
    },
    policy: { backoffFirstMs: MINUTE_MS, backoffMaxMs: 30 * MINUTE_MS },
    random: () => 0.5,
  } as unknown as PollRoundsOptions;
  rounds = new Rounds(options);
});

/** What came due before the first look is spread by a few milliseconds. */
async function begin(): Promise<void> {
  await rounds.look();
  nowMs += 10;
}

describe('a poll whose end cannot be written', () => {
  test('is not begun again every few seconds, but less and less often', async () => {
    rounds.isSaid = false;
    await begin();
    expect(await rounds.look()).toBe(1);
    nowMs += MINUTE_MS - 1;
    expect(await rounds.look()).toBe(0);
    nowMs += 1;
    expect(await rounds.look()).toBe(1);
    nowMs += MINUTE_MS;
    expect(await rounds.look()).toBe(0);
    nowMs += MINUTE_MS;
    rounds.isSaid = true;
    expect(await rounds.look()).toBe(1);
    // All is well again.
    expect(await rounds.look()).toBe(1);
  });
});

describe('a feed that is to be read again', () => {
  beforeEach(async () => {
    record = { ...record, nextPollMs: 2_000 * MINUTE_MS };
    await begin();
  });

  test('is read whole and at once, though not over and over', async () => {
    rounds.readAgain(alpha);
    expect(await rounds.look()).toBe(1);
    expect(rounds.polls).toEqual([{ feed: alpha, whole: true }]);
    nowMs += 2 * MINUTE_MS;
    rounds.readAgain(alpha);
    expect(await rounds.look()).toBe(0);
    rounds.readAgain(alpha, MINUTE_MS);
    expect(await rounds.look()).toBe(1);
  });

  test('is asked no sooner for it than its host, which failed or asked for patience, is to be', async () => {
    record = { ...record, nextPollMs: nowMs + MINUTE_MS, polling: { came: 'failed' } };
    rounds.readAgain(alpha);
    expect(await rounds.look()).toBe(0);
    nowMs += MINUTE_MS;
    expect(await rounds.look()).toBe(1);
    expect(rounds.polls).toEqual([{ feed: alpha, whole: true }]);
  });
});
