import type { HeldLock } from '@podctl/domain/episode-state.ts';
import type { AgentId, EpisodeId, FeedId, Token } from '@podctl/domain/ids.ts';
import { describe, expect, it } from 'vitest';
import { Progress } from './progress.ts';
import { type LockRow, lockId } from './snapshot.ts';
import { locksWithoutProgress } from './stale.ts';

const HOUR_MS = 3_600_000;
const ID = lockId('alpha' as FeedId, 'abc' as EpisodeId, 'download');

function locks(state: 'held' | 'committed' = 'held', token = 7): ReadonlyMap<string, LockRow> {
  const lock = { state, token, agent: 'a1' as AgentId } as unknown as HeldLock;
  const row = { feed: 'alpha' as FeedId, episode: 'abc' as EpisodeId, stage: 'download', lock };
  return new Map([[ID, row as LockRow]]);
}

function heard(progress: Progress, token: number, share: number, nowMs: number): void {
  const { feed, episode, stage } = locks().get(ID) as LockRow;
  const report = { feed, episode, stage, run: 1, token: token as Token, phase: 'running' } as const;
  progress.report({ ...report, progress: share }, nowMs);
}

const count = (nowMs: number, progress: Progress, seen: Map<string, number>, of = locks()) =>
  locksWithoutProgress(of, progress, seen, { nowMs, staleAfterMs: HOUR_MS }).length;

describe('a lock without progress', () => {
  it('is found just after its time, counted from its last progress', () => {
    const progress = new Progress();
    const seen = new Map<string, number>();
    heard(progress, 7, 0.2, 1_000);
    expect(count(1_000, progress, seen)).toBe(0);
    expect(count(1_000 + HOUR_MS, progress, seen)).toBe(0);
    expect(count(1_001 + HOUR_MS, progress, seen)).toBe(1);
    heard(progress, 7, 0.3, HOUR_MS);
    expect(count(1_001 + HOUR_MS, progress, seen)).toBe(0);
  });

  it('has the whole time from when it was first seen, however long its leader has led', () => {
    const seen = new Map<string, number>();
    const progress = new Progress();
    expect(count(5 * HOUR_MS, progress, seen)).toBe(0);
    expect(count(6 * HOUR_MS, progress, seen)).toBe(0);
    expect(count(6 * HOUR_MS + 1, progress, seen)).toBe(1);
  });

  it('begins anew with another token', () => {
    const progress = new Progress();
    const seen = new Map<string, number>();
    heard(progress, 6, 0.9, 0);
    expect(count(0, progress, seen, locks('held', 6))).toBe(0);
    expect(count(2 * HOUR_MS, progress, seen, locks('held', 7))).toBe(0);
    expect(seen.size).toBe(1);
  });

  it('has the whole time again under a new leader, who did not see what came before', () => {
    const progress = new Progress();
    heard(progress, 7, 0.2, 0);
    expect(count(2 * HOUR_MS, progress, new Map())).toBe(0);
  });

  it('is left alone when its result is accepted', () => {
    const seen = new Map<string, number>();
    count(0, new Progress(), seen, locks('committed'));
    expect(count(9 * HOUR_MS, new Progress(), seen, locks('committed'))).toBe(0);
  });
});
