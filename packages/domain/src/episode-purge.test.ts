import { describe, expect, it } from 'vitest';
import { decodeEpisode, encodeEpisode } from './episode-codec.ts';
import { hasResult, type Move, move, whyNotAssignable } from './episode-move.ts';
import { type EpisodeState, newEpisode } from './episode-state.ts';
import type { AgentId, ClusterId, Epoch, Nonce, SessionId, Token } from './ids.ts';
import type { Stage } from './stage.ts';

const cluster = 'c'.repeat(16) as ClusterId;
const nonce = 'n'.repeat(16) as Nonce;
const limits = { failuresMax: 3, lossesMax: 3, backoffFirstMs: 1_000, backoffMaxMs: 60_000 };
const manifest = { sha256: 'a'.repeat(64), files: 2, bytes: 10, audioSeconds: 1 };
const of = { agent: 'a' as AgentId, session: 5 as SessionId, epoch: 2 as Epoch, nowMs: 0 };

const token = (n: number) => ({ token: n as Token });
const assign = (n: number): Move => ({ kind: 'assign', holder: { ...of, cluster, ...token(n) } });
const commit = (n: number): Move => ({ kind: 'commit', ...token(n), manifest });
const publish = (n: number): Move => ({ kind: 'publish', ...token(n) });
const purge = (n: number): Move => ({ kind: 'purge', ...token(n) });
const skip: Move = { kind: 'skip', reason: 'nobody wants it' };
const request = (id: string): Move => ({ kind: 'request', request: id });

const tried = (state: EpisodeState, stage: Stage, step: Move) =>
  move(state, stage, step, nonce, limits);

function after(state: EpisodeState, stage: Stage, ...steps: readonly Move[]): EpisodeState {
  return steps.reduce((now, step) => {
    const moved = tried(now, stage, step);
    if (!moved.ok) throw new Error(moved.error);
    return moved.value;
  }, state);
}

const done = (state: EpisodeState, stage: Stage, n: number) =>
  after(state, stage, assign(n), commit(n), publish(n));

const downloaded = done(newEpisode(cluster, nonce, 'poll'), 'download', 4);
const both = done(downloaded, 'transcribe', 10);

describe('a purged result', () => {
  it('has no files, and is wanted anew from its download on', () => {
    const purged = after(after(both, 'download', purge(4)), 'transcribe', purge(10));
    for (const stage of ['download', 'transcribe'] as const) {
      expect(purged.stages[stage]).toMatchObject({
        wanted: 2,
        requests: ['poll', 'purged-r1'],
        done: { run: 1, purged: true },
      });
      expect(hasResult(purged.stages[stage])).toBe(false);
    }
    expect(whyNotAssignable(purged, 'download')).toBeNull();
    expect(whyNotAssignable(purged, 'transcribe')).toBe('it waits for its download');
    expect(decodeEpisode(encodeEpisode(purged))).toEqual({ ok: true, value: purged });
    const again = done(done(purged, 'download', 20), 'transcribe', 30);
    expect(again.stages.transcribe).toMatchObject({ wanted: 2, done: { run: 2 } });
    expect(again.stages.download.done).not.toHaveProperty('purged');
    const twice = after(after(again, 'download', purge(20)), 'transcribe', purge(30));
    expect([twice.stages.download.wanted, twice.stages.transcribe.wanted]).toEqual([3, 3]);
  });

  it('is purged once, by the token that is done, and not by one that is not', () => {
    const purged = after(downloaded, 'download', purge(4));
    for (const [state, step] of [
      [purged, purge(4)],
      [downloaded, purge(5)],
      [purged, { kind: 'expire', ...token(4) }],
      [purged, { kind: 'expired', ...token(4) }],
      [newEpisode(cluster, nonce, 'poll'), purge(4)],
    ] as const)
      expect(tried(state, 'download', step).ok).toBe(false);
  });

  it('is none while anybody works on it, or does it again', () => {
    const running = after(downloaded, 'transcribe', assign(10));
    const committed = after(running, 'transcribe', commit(10));
    const anew = after(after(both, 'download', request('again')), 'download', assign(20));
    for (const state of [running, committed, anew])
      expect(tried(state, 'download', purge(4)).ok).toBe(false);
  });

  it('of audio that is going or gone is no less wanted', () => {
    const expired = after(both, 'download', { kind: 'expire', ...token(4) });
    const gone = after(expired, 'download', { kind: 'expired', ...token(4) });
    for (const state of [expired, gone]) {
      const first = after(state, 'transcribe', purge(10));
      expect(first.stages.download.wanted).toBe(2);
      const all = after(first, 'download', purge(4));
      expect(all.stages.download).toMatchObject({ wanted: 2, done: { purged: true } });
      expect(all.stages.download.done).not.toHaveProperty('audio');
    }
  });

  it('is wanted although a further run of it was given up, and one that was never done stays so', () => {
    const dead = after(after(both, 'transcribe', request('better')), 'transcribe', skip);
    expect(after(dead, 'transcribe', purge(10)).stages.transcribe).toMatchObject({
      wanted: 2,
      lock: { state: 'free' },
    });
    const unwanted = after(downloaded, 'transcribe', skip);
    const purged = after(unwanted, 'download', purge(4));
    expect(purged.stages.transcribe.lock).toMatchObject({ state: 'dead', ended: 'skipped' });
  });

  it('is wanted anew whoever used the id of its request before', () => {
    const asked = done(after(downloaded, 'download', request('purged-r2')), 'download', 20);
    expect(after(asked, 'download', purge(20)).stages.download.wanted).toBe(3);
  });
});
