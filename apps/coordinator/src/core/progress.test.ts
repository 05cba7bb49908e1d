import type { EpisodeId, FeedId, Token } from '@podctl/domain/ids.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { Progress } from './progress.ts';
import { lockId } from './snapshot.ts';

const [alpha, beta] = ['alpha', 'beta'] as FeedId[] as [FeedId, FeedId];
const episode = 'a'.repeat(26) as EpisodeId;
const id = lockId(alpha, episode, 'transcribe');

let progress: Progress;
beforeEach(() => {
  progress = new Progress();
});
const report = (token: number, figure: number, nowMs: number, feed = alpha) =>
  progress.report(
    {
      feed,
      episode,
      stage: 'transcribe',
      run: 1,
      token: token as Token,
      phase: 'running',
      progress: figure,
    },
    nowMs,
  );
const stillSince = (feed = alpha) => progress.stillSinceMs(feed, 1_000_000);

describe('the movement of a feed', () => {
  it('is a figure that rises, not one that stays or falls', () => {
    report(5, 0.2, 10);
    expect(stillSince()).toBe(10);
    report(5, 0.2, 20);
    report(5, 0.1, 30);
    expect(stillSince()).toBe(10);
    // From where it fell to: whoever starts a file anew moves again.
    report(5, 0.15, 40);
    expect(stillSince()).toBe(40);
  });

  it('is not that a job begins again under a new token', () => {
    report(5, 0.2, 10);
    for (const token of [6, 7, 8]) report(token, 0, 100 * token);
    expect(stillSince()).toBe(10);
    expect(progress.of(id, 8)).toMatchObject({ progress: 0, movedAtMs: 800 });
  });

  it('is its own: that of another feed does not count', () => {
    report(5, 0.2, 10);
    report(5, 0.2, 20, beta);
    expect([stillSince(), stillSince(beta)]).toEqual([10, 20]);
  });

  it('is also what was accepted or read', () => {
    report(5, 0.2, 10);
    progress.moved(alpha, 50);
    expect(stillSince()).toBe(50);
  });

  it('is none of a stage that nobody waits for: scores would hide that a transcription hangs', () => {
    report(5, 0.2, 10);
    progress.moved(alpha, 50, 'score');
    const score = { feed: alpha, episode, run: 1, token: 6 as Token, phase: 'running' } as const;
    progress.report({ ...score, stage: 'score', progress: 0.5 }, 60);
    expect(stillSince()).toBe(10);
    progress.moved(alpha, 70, 'transcribe');
    expect(stillSince()).toBe(70);
  });

  it('is forgotten while nothing is left to move', () => {
    report(5, 0.2, 10);
    progress.rest(alpha);
    expect(progress.stillSinceMs(alpha, 5_000)).toBe(5_000);
  });

  it('of a feed never heard of here begins with the first question', () => {
    expect(progress.stillSinceMs(alpha, 70)).toBe(70);
    expect(progress.stillSinceMs(alpha, 90)).toBe(70);
  });
});

describe('the progress of a job', () => {
  it('is told for the token that made it, with the time of its last rise', () => {
    report(5, 0.2, 10);
    report(5, 0.2, 20);
    expect(progress.of(id, 5)).toMatchObject({
      token: 5,
      progress: 0.2,
      phase: 'running',
      movedAtMs: 10,
    });
    expect(progress.of(id, 4)).toBeNull();
    expect(progress.of(lockId(alpha, episode, 'download'), 5)).toBeNull();
  });

  it('stands still for no time while it waits for a slot, and its time begins when it does', () => {
    const waits = { feed: alpha, episode, stage: 'transcribe', run: 1, token: 5 as Token } as const;
    const tell = (waiting: boolean, nowMs: number) =>
      progress.report({ ...waits, phase: 'running', progress: 0, waiting }, nowMs);
    tell(true, 10);
    tell(true, 4_000_000);
    expect(progress.of(id, 5)).toMatchObject({ movedAtMs: 4_000_000, begunAtMs: null });
    tell(false, 4_000_100);
    tell(false, 4_000_200);
    expect(progress.of(id, 5)).toMatchObject({ movedAtMs: 4_000_100, begunAtMs: 4_000_100 });
  });

  it('is forgotten with its lock, while the feed keeps its movement', () => {
    report(5, 0.2, 10);
    progress.forget(id);
    expect(progress.of(id, 5)).toBeNull();
    expect(stillSince()).toBe(10);
  });
});
