import { decodeEpisode, encodeEpisode } from '@podctl/domain/episode-codec.ts';
import {
  type EpisodeState,
  FRESH_LOCK,
  type HeldLock,
  type Lock,
  newEpisode,
} from '@podctl/domain/episode-state.ts';
import type { AgentId, ClusterId, Epoch, Nonce, SessionId, Token } from '@podctl/domain/ids.ts';
import { describe, expect, it } from 'vitest';
import { RESTORED_REASON, restored } from './restore.ts';

const JOB = `job.feed.${'a'.repeat(26)}`;
const manifest = { sha256: '0'.repeat(64), files: 1, bytes: 9, audioSeconds: 60 };
const done = { run: 1, token: 4 as Token, manifest };
const held: HeldLock = {
  state: 'held',
  run: 2,
  token: 10 as Token,
  agent: 'a' as AgentId,
  session: 5 as SessionId,
  epoch: 2 as Epoch,
  nonce: 'n'.repeat(16) as Nonce,
  sinceMs: 7,
  failures: 2,
  lostBy: ['b' as AgentId],
};
const locks: { readonly [S in Lock['state']]: Lock } = {
  free: { ...FRESH_LOCK, failures: 1, notBeforeMs: 5, reason: 'no' },
  held,
  committed: { ...held, state: 'committed', manifest },
  dead: { state: 'dead', run: 2, failures: 3, lostBy: [], reason: 'no' },
};

function episode(lock: Lock): EpisodeState {
  const fresh = newEpisode('c'.repeat(16) as ClusterId, 'n'.repeat(16) as Nonce, 'poll');
  const { download, transcribe } = fresh.stages;
  return {
    ...fresh,
    stages: {
      ...fresh.stages,
      download: { ...download, done },
      transcribe: { ...transcribe, wanted: 2, lock, done },
    },
  };
}

function after(state: EpisodeState) {
  const result = restored({ bucket: 'state', key: JOB, value: encodeEpisode(state) });
  if (result.kind !== 'write') throw new Error('it is left out');
  const decoded = decodeEpisode(result.value);
  if (!decoded.ok) throw new Error(decoded.error);
  return { state: decoded.value, freed: result.freed };
}

describe('an episode of a backup', () => {
  it.each(['free', 'committed', 'dead'] as const)('stays as it is when its lock is %s', (state) => {
    const before = episode(locks[state]);
    expect(after(before)).toEqual({ state: before, freed: 0 });
  });

  it('gets a free lock for a held one, without a failure or a loss more', () => {
    const before = episode(held);
    const result = after(before);
    expect(result.freed).toBe(1);
    expect(result.state.stages.transcribe.lock).toEqual({
      state: 'free',
      failures: 2,
      lostBy: ['b'],
      notBeforeMs: 0,
      reason: RESTORED_REASON,
    });
    expect(result.state.stages.transcribe.done).toEqual(done);
    expect(result.state.stages.download).toEqual(before.stages.download);
    expect(result.state.cluster).toBe(before.cluster);
  });

  it('is the same when it is restored twice', () => {
    const once = after(episode(held)).state;
    expect(after(once)).toEqual({ state: once, freed: 0 });
  });

  it('that only a newer version can read is written as it is', () => {
    const entry = { bucket: 'state', key: JOB, value: '{"v":2}' } as const;
    expect(restored(entry)).toEqual({ kind: 'write', value: '{"v":2}', freed: 0 });
  });
});

describe('what else is in a backup', () => {
  it.each([
    ['state', 'feed.alpha', 'write'],
    ['state', 'some.thing', 'write'],
    ['meta', `meta.feed.${'a'.repeat(26)}`, 'write'],
    ['state', 'sess.worker', 'leave_out'],
    ['state', 'cluster', 'leave_out'],
  ] as const)('%s %s: %s', (bucket, key, kind) => {
    expect(restored({ bucket, key, value: '{}' })).toMatchObject({ kind });
  });
});

it('a machine that was taken out stays out', () => {
  const value = '{"kind":"cordoned"}';
  const result = restored({ bucket: 'state', key: 'cordon.gpu-1', value });
  expect(result).toEqual({ kind: 'write', value, freed: 0 });
});
