import { describe, expect, it } from 'vitest';
import { type Move, move, whyNotAssignable } from './episode-move.ts';
import { type EpisodeState, newEpisode, type StageState } from './episode-state.ts';
import type { AgentId, ClusterId, Epoch, Nonce, SessionId, Token } from './ids.ts';
import type { Stage } from './stage.ts';

const cluster = 'c'.repeat(16) as ClusterId;
const [first, second] = ['n'.repeat(16) as Nonce, 'm'.repeat(16) as Nonce];
const limits = { failuresMax: 3, lossesMax: 3, backoffFirstMs: 1_000, backoffMaxMs: 60_000 };
const manifest = { sha256: 'a'.repeat(64), files: 2, bytes: 10, audioSeconds: 1 };
const of = { agent: 'a' as AgentId, session: 5 as SessionId, epoch: 2 as Epoch, nowMs: 0 };

const assign = (token: number): Move => ({
  kind: 'assign',
  holder: { ...of, cluster, token: token as Token },
});
const commit = (token: number): Move => ({ kind: 'commit', token: token as Token, manifest });
const publish = (token: number): Move => ({ kind: 'publish', token: token as Token });
const request = (id: string): Move => ({ kind: 'request', request: id });
const skip: Move = { kind: 'skip', reason: 'nobody wants it' };

function at(stage: Stage, part: Partial<StageState>): EpisodeState {
  const fresh = newEpisode(cluster, first, 'poll');
  return { ...fresh, stages: { ...fresh.stages, [stage]: { ...fresh.stages[stage], ...part } } };
}

function after(state: EpisodeState, stage: Stage, ...steps: readonly Move[]): EpisodeState {
  return steps.reduce((now, step) => {
    const moved = move(now, stage, step, second, limits);
    if (!moved.ok) throw new Error(moved.error);
    return moved.value;
  }, state);
}

describe('audio that is taken away', () => {
  const done = { run: 1, token: 4 as Token, manifest };
  const expire = { kind: 'expire', token: 4 as Token } as const;
  const expired = { kind: 'expired', token: 4 as Token } as const;
  const both = after(
    after(at('download', { done }), 'transcribe', assign(10)),
    'transcribe',
    commit(10),
    publish(10),
  );

  it('goes by a record, and a second one once nothing is left', () => {
    const going = after(both, 'download', expire);
    expect(going.stages.download.done).toEqual({ ...done, audio: 'going' });
    expect(after(going, 'download', expired).stages.download.done?.audio).toBe('gone');
    expect(move(both, 'download', expired, second, limits).ok).toBe(false);
    expect(move(going, 'download', expire, second, limits).ok).toBe(false);
    const other = { kind: 'expire', token: 5 as Token } as const;
    expect(move(both, 'download', other, second, limits).ok).toBe(false);
  });

  it('stays while a run that is wanted works on it, or it is to be downloaded again', () => {
    const waiting = at('download', { done });
    const running = after(waiting, 'transcribe', assign(10));
    const committed = after(running, 'transcribe', commit(10));
    const again = after(both, 'transcribe', request('again'));
    const anew = after(both, 'download', request('again'));
    for (const state of [waiting, running, committed, again, anew])
      expect(move(state, 'download', expire, second, limits).ok).toBe(false);
    expect(move(after(waiting, 'transcribe', skip), 'download', expire, second, limits).ok).toBe(
      true,
    );
  });

  it('is downloaded again when a transcription is asked for, and nothing is transcribed before', () => {
    const gone = after(both, 'download', expire, expired);
    const asked = after(gone, 'transcribe', request('again'));
    expect(asked.stages.download).toMatchObject({ wanted: 2, requests: ['poll', 'again'] });
    expect(whyNotAssignable(asked, 'transcribe')).toBe('it waits for its download');
    expect(after(asked, 'transcribe', request('again')).stages.download.wanted).toBe(2);
    const counted = after(both, 'download', request('r'), assign(12), commit(12), publish(12));
    const of = (kind: 'expire' | 'expired'): Move => ({ kind, token: 12 as Token });
    const same = after(after(counted, 'download', of('expire')), 'transcribe', request('r'));
    expect(same.stages.download.wanted).toBe(3);
    const again = after(after(same, 'download', skip), 'transcribe', request('r'));
    expect(again.stages.download).toMatchObject({ wanted: 3, lock: { state: 'dead' } });
    const there = after(asked, 'download', assign(20), commit(20), publish(20));
    expect(there.stages.download.done).not.toHaveProperty('audio');
    expect(whyNotAssignable(there, 'transcribe')).toBeNull();
  });
});
