import { describe, expect, it } from 'vitest';
import {
  LEGAL_FROM,
  type Move,
  move,
  nextRun,
  REQUESTS_KEPT_MAX,
  whyNotAssignable,
} from './episode-move.ts';
import {
  type EpisodeState,
  FRESH_LOCK,
  type HeldLock,
  type Lock,
  newEpisode,
  type StageState,
} from './episode-state.ts';
import type { AgentId, ClusterId, Epoch, Nonce, SessionId, Token } from './ids.ts';
import type { ManifestRef } from './manifest.ts';
import type { AttemptEnd } from './retry.ts';
import { STAGES, type Stage } from './stage.ts';

const cluster = 'c'.repeat(16) as ClusterId;
const first = 'a'.repeat(16) as Nonce;
const second = 'b'.repeat(16) as Nonce;
const manifest: ManifestRef = { sha256: '0'.repeat(64), files: 1, bytes: 9, audioSeconds: 60 };
const limits = { failuresMax: 3, lossesMax: 3, backoffFirstMs: 1_000, backoffMaxMs: 8_000 };
const nowMs = 1_700_000_000_000;

const lost: AttemptEnd = { kind: 'lost' };
const failed: AttemptEnd = { kind: 'failed', reason: 'no', retryAfterMs: null, final: false };

const request = (id: string): Move => ({ kind: 'request', request: id });
const assign = (token: number, agent = 'a'): Move => ({
  kind: 'assign',
  holder: {
    cluster,
    token: token as Token,
    agent: agent as AgentId,
    session: 5 as SessionId,
    epoch: 2 as Epoch,
    nowMs,
  },
});
const commit = (token: number): Move => ({ kind: 'commit', token: token as Token, manifest });
const adopt = (token: number): Move => {
  const step = assign(token);
  if (step.kind !== 'assign') throw new Error('assign gives no assignment');
  return { kind: 'adopt', holder: step.holder, manifest };
};
const hasten: Move = { kind: 'hasten' };
const skip: Move = { kind: 'skip', reason: 'skipped by ann' };
const publish = (token: number): Move => ({ kind: 'publish', token: token as Token });
const revoke = (token: number, end: AttemptEnd = lost): Move => ({
  kind: 'revoke',
  token: token as Token,
  end,
  nowMs,
  random: 0.5,
});

const held: HeldLock = {
  state: 'held',
  run: 1,
  token: 10 as Token,
  agent: 'a' as AgentId,
  session: 5 as SessionId,
  epoch: 2 as Epoch,
  nonce: first,
  sinceMs: nowMs,
  failures: 0,
  lostBy: [],
};
const locks: { readonly [S in Lock['state']]: Lock } = {
  free: FRESH_LOCK,
  held,
  committed: { ...held, state: 'committed', manifest },
  dead: { state: 'dead', run: 1, failures: 3, lostBy: [], reason: 'no' },
};

function at(stage: Stage, part: Partial<StageState>): EpisodeState {
  const fresh = newEpisode(cluster, first, 'poll');
  return { ...fresh, stages: { ...fresh.stages, [stage]: { ...fresh.stages[stage], ...part } } };
}

/** Does the moves one after another; throws where one is refused. */
function after(state: EpisodeState, stage: Stage, ...steps: readonly Move[]): EpisodeState {
  return steps.reduce((now, step) => {
    const moved = move(now, stage, step, second, limits);
    if (!moved.ok) throw new Error(moved.error);
    return moved.value;
  }, state);
}

const fresh = newEpisode(cluster, first, 'poll');
const lockOf = (state: EpisodeState, stage: Stage = 'download') => state.stages[stage].lock;

describe('the table of legal moves', () => {
  // Written out here a second time on purpose: a change of the rule must be made twice.
  const legal: { readonly [S in Lock['state']]: readonly Move['kind'][] } = {
    free: ['request', 'assign', 'hasten', 'skip', 'adopt', 'expire', 'expired', 'purge'],
    held: ['request', 'commit', 'revoke', 'expired'],
    committed: ['request', 'publish', 'expired'],
    dead: ['request', 'skip', 'expire', 'expired', 'purge'],
  };
  const moves = [
    ...[request('again'), assign(20), commit(10), revoke(10), publish(10)],
    ...[hasten, skip, adopt(20)],
  ];
  // Of what is done: episode-expiry.test.ts, episode-purge.test.ts.
  const takenAway = ['expire', 'expired', 'purge'] as const;

  for (const state of ['free', 'held', 'committed', 'dead'] as const)
    for (const step of moves) {
      const allowed = legal[state].includes(step.kind);
      it(`${allowed ? 'allows' : 'refuses'} ${step.kind} from ${state}, and move() does so too`, () => {
        const from: readonly Lock['state'][] = LEGAL_FROM[step.kind];
        expect(from.includes(state)).toBe(allowed);
        const moved = move(
          at('download', { lock: locks[state] }),
          'download',
          step,
          second,
          limits,
        );
        expect(moved.ok).toBe(allowed);
        if (!moved.ok) expect(moved.error).toBe(`${step.kind} is not legal from ${state}`);
      });
    }

  it('assigns nothing in a new world before what the old one accepted has its final names', () => {
    const done = { run: 1, token: 4 as Token, manifest };
    const old: EpisodeState = {
      ...fresh,
      stages: {
        ...fresh.stages,
        download: { ...fresh.stages.download, wanted: 2, done },
        transcribe: { ...fresh.stages.transcribe, lock: locks.committed },
      },
    };
    const step = assign(20);
    const elsewhere = 'd'.repeat(16) as ClusterId;
    const moved = move({ ...old, cluster: elsewhere }, 'download', step, second, limits);
    expect(moved).toMatchObject({ ok: false, error: expect.stringContaining('transcribe') });
    expect(move(old, 'download', step, second, limits)).toMatchObject({ ok: true });
    const published = after({ ...old, cluster: elsewhere }, 'transcribe', publish(10));
    expect(move(published, 'download', step, second, limits)).toMatchObject({ ok: true });
  });

  it('knows no further move and no further state', () => {
    const kinds = [...moves.map(({ kind }) => kind), ...takenAway];
    expect(Object.keys(LEGAL_FROM).sort()).toEqual(kinds.sort());
    for (const kind of takenAway)
      expect(
        Object.keys(legal).filter((state) => legal[state as Lock['state']].includes(kind)),
      ).toEqual(LEGAL_FROM[kind]);
    expect([...new Set(Object.values(LEGAL_FROM).flat())].sort()).toEqual(
      Object.keys(legal).sort(),
    );
  });

  it('refuses commit, revoke and publish by a token that does not hold the lock', () => {
    for (const [state, steps] of [
      ['held', [commit(11), revoke(11)]],
      ['committed', [publish(11)]],
    ] as const)
      for (const step of steps)
        expect(
          move(at('download', { lock: locks[state] }), 'download', step, second, limits),
        ).toEqual({ ok: false, error: 'token 11 does not hold the lock' });
  });
});

describe('every move', () => {
  it('touches its own stage only, leaves what it read as it was, and carries the nonce of its writer', () => {
    for (const [lock, step] of [
      ['free', request('r')],
      ['held', commit(10)],
      ['held', revoke(10)],
      ['committed', publish(10)],
      ['dead', request('r')],
    ] as const)
      for (const stage of STAGES) {
        const before = at(stage, { lock: locks[lock] });
        const copy = structuredClone(before);
        const now = after(before, stage, step);
        const other = stage === 'download' ? 'transcribe' : 'download';
        expect(before).toEqual(copy);
        expect(now.stages[other]).toBe(before.stages[other]);
        expect(now).toMatchObject({ nonce: second, cluster });
      }
  });
});

describe('assigning', () => {
  it('gives the next run to the holder under the token, with the nonce of the assigning write', () => {
    expect(lockOf(after(fresh, 'download', assign(42, 'gpu-1')))).toEqual({
      state: 'held',
      run: 1,
      token: 42,
      agent: 'gpu-1',
      session: 5,
      epoch: 2,
      nonce: second,
      sinceMs: nowMs,
      failures: 0,
      lostBy: [],
    });
  });

  it('carries failures and losses of the run along', () => {
    const state = after(fresh, 'download', assign(1), revoke(1), assign(2, 'b'), revoke(2, failed));
    expect(lockOf(after(state, 'download', assign(3)))).toMatchObject({
      failures: 1,
      lostBy: ['a'],
    });
  });

  it('is refused when no further run is wanted', () => {
    const done = { run: 1, token: 1 as Token, manifest };
    const state = at('download', { done });
    expect(whyNotAssignable(state, 'download')).toBe('no further run is wanted');
    expect(move(state, 'download', assign(2), second, limits)).toEqual({
      ok: false,
      error: 'no further run is wanted',
    });
    expect(move(at('download', { wanted: 0 }), 'download', assign(2), second, limits).ok).toBe(
      false,
    );
  });

  it('of a transcription waits for an accepted and published download', () => {
    expect(whyNotAssignable(fresh, 'transcribe')).toBe('it waits for its download');
    expect(move(fresh, 'transcribe', assign(2), second, limits).ok).toBe(false);
    const committed = after(fresh, 'download', assign(1), commit(1));
    expect(whyNotAssignable(committed, 'transcribe')).toBe('it waits for its download');
    const published = after(committed, 'download', publish(1));
    expect(whyNotAssignable(published, 'transcribe')).toBeNull();
    expect(lockOf(after(published, 'transcribe', assign(9)), 'transcribe').state).toBe('held');
  });

  it('says which state of the lock stands against it', () => {
    for (const state of ['held', 'committed', 'dead'] as const)
      expect(whyNotAssignable(at('download', { lock: locks[state] }), 'download')).toBe(
        `its lock is ${state}`,
      );
  });
});

describe('a result', () => {
  it('that is taken in is what an assignment and its commit would be, in one write', () => {
    const committed = after(after(fresh, 'download', assign(20)), 'download', commit(20));
    expect(after(fresh, 'download', adopt(20))).toEqual(committed);
    expect(move(fresh, 'transcribe', adopt(20), second, limits)).toMatchObject({
      ok: false,
      error: 'it waits for its download',
    });
  });

  it('is durable when it is committed: the same holder, and the manifest with it', () => {
    const before = after(fresh, 'download', assign(7));
    const now = after(before, 'download', commit(7));
    expect(lockOf(now)).toEqual({ ...lockOf(before), state: 'committed', manifest });
    expect(now.stages.download.done).toBeNull();
  });

  it('is what readers follow when it is published: run, token, manifest, and a lock free of its past', () => {
    const state = after(
      fresh,
      'download',
      assign(1),
      revoke(1),
      assign(2, 'b'),
      revoke(2, failed),
      assign(3),
      commit(3),
      publish(3),
    );
    expect(state.stages.download).toEqual({
      wanted: 1,
      requests: ['poll'],
      lock: FRESH_LOCK,
      done: { run: 1, token: 3, manifest },
    });
  });

  it('stays readable while a further run is held, fails, and is committed', () => {
    let state = after(fresh, 'download', assign(1), commit(1), publish(1), request('again'));
    const { done } = state.stages.download;
    for (const step of [assign(5), revoke(5, failed), assign(7), commit(7)]) {
      state = after(state, 'download', step);
      expect(state.stages.download.done).toEqual(done);
    }
    state = after(state, 'download', publish(7));
    expect(state.stages.download.done).toEqual({ run: 2, token: 7, manifest });
  });
});

describe('a request', () => {
  it('asks for one more run, once for its id however often it is sent', () => {
    const state = after(fresh, 'download', request('r1'), request('r1'), request('r2'));
    expect(state.stages.download).toMatchObject({ wanted: 3, requests: ['poll', 'r1', 'r2'] });
    expect(after(state, 'download', request('poll'), request('r2')).stages).toEqual(state.stages);
  });

  it('leaves a held and a committed lock as they are', () => {
    for (const name of ['held', 'committed'] as const) {
      const state = after(at('download', { lock: locks[name] }), 'download', request('r'));
      expect(state.stages.download).toMatchObject({ wanted: 2, lock: locks[name] });
    }
  });

  it('frees what is dead, with failures and losses forgotten', () => {
    const state = after(at('download', { lock: locks.dead }), 'download', request('r'));
    expect(lockOf(state)).toEqual(FRESH_LOCK);
    expect(whyNotAssignable(state, 'download')).toBeNull();
  });

  it('that was counted before the job died does not free it when it is sent again', () => {
    const dead = at('download', { lock: locks.dead });
    expect(after(dead, 'download', request('poll')).stages).toEqual(dead.stages);
  });

  it('for a dead run asks for that run again: it is then done once, not twice', () => {
    const state = after(
      at('download', { lock: locks.dead }),
      'download',
      request('r'),
      assign(20),
      commit(20),
      publish(20),
    );
    expect(whyNotAssignable(state, 'download')).toBe('no further run is wanted');
  });

  it(`is remembered until ${REQUESTS_KEPT_MAX} newer ones came`, () => {
    const ids = [...Array(20).keys()].map((n) => `r${n}`);
    const state = after(fresh, 'download', ...ids.map(request));
    expect(state.stages.download).toMatchObject({
      wanted: 21,
      requests: ids.slice(-REQUESTS_KEPT_MAX),
    });
  });
});

describe('a run that goes wrong', () => {
  it('is dead of "kills agents" after three losses, not after two', () => {
    const two = after(fresh, 'download', assign(1, 'a'), revoke(1), assign(2, 'b'), revoke(2));
    expect(lockOf(two)).toMatchObject({ state: 'free', lostBy: ['a', 'b'] });
    const three = after(two, 'download', assign(3, 'c'), revoke(3));
    expect(lockOf(three)).toMatchObject({ state: 'dead', run: 1, lostBy: ['a', 'b', 'c'] });
    expect(lockOf(three)).toHaveProperty('reason', expect.stringMatching(/^kills agents/));
  });

  it('is dead after the failures that the limits allow, and losses between do not count as such', () => {
    const two = after(
      fresh,
      'download',
      assign(1),
      revoke(1, failed),
      assign(2),
      revoke(2, lost),
      assign(3),
      revoke(3, failed),
    );
    expect(lockOf(two)).toMatchObject({ state: 'free', failures: 2, lostBy: ['a'] });
    expect(lockOf(after(two, 'download', assign(4), revoke(4, failed)))).toEqual({
      state: 'dead',
      run: 1,
      failures: 3,
      lostBy: ['a'],
      reason: 'no',
    });
  });

  it('says which run died, and does the same run again when it is freed', () => {
    const final: AttemptEnd = { ...failed, final: true };
    const dead = after(
      fresh,
      'download',
      assign(1),
      commit(1),
      publish(1),
      request('r'),
      assign(5),
      revoke(5, final),
    );
    expect(lockOf(dead)).toMatchObject({ state: 'dead', run: 2 });
    const freed = after(dead, 'download', request('r2'));
    expect(nextRun(freed.stages.download)).toBe(2);
  });
});

describe('after a restore', () => {
  it('an episode is of the new world from its first assignment on', () => {
    const restored = { ...fresh, cluster: 'd'.repeat(16) as ClusterId };
    const held = move(restored, 'download', assign(7), second, limits);
    expect(held.ok && held.value.cluster).toBe(cluster);
  });
});
