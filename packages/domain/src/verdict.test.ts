import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CommittedLock,
  type EpisodeState,
  FRESH_LOCK,
  type HeldLock,
  type Lock,
  newEpisode,
  type StageState,
} from './episode-state.ts';
import type { AgentId, ClusterId, Epoch, Nonce, SessionId, Token } from './ids.ts';
import type { ManifestRef } from './manifest.ts';
import { judge, type VerdictQuestion } from './verdict.ts';

const cluster = 'c'.repeat(16) as ClusterId;
const otherCluster = 'd'.repeat(16) as ClusterId;
const nonce = 'n'.repeat(16) as Nonce;
const manifest: ManifestRef = { sha256: '0'.repeat(64), files: 1, bytes: 1, audioSeconds: null };

const held = (run: number, token: number, session: number): HeldLock => ({
  state: 'held',
  run,
  token: token as Token,
  agent: 'a' as AgentId,
  session: session as SessionId,
  epoch: 1 as Epoch,
  nonce,
  sinceMs: 0,
  failures: 0,
  lostBy: [],
});
const committed = (run: number, token: number, session: number): CommittedLock => ({
  ...held(run, token, session),
  state: 'committed',
  manifest,
});
const done = (run: number, token: number) => ({ run, token: token as Token, manifest });

function at(lock: Lock, last: StageState['done'] = null): EpisodeState {
  const fresh = newEpisode(cluster, nonce, 'poll');
  const download = { ...fresh.stages.download, wanted: 9, lock, done: last };
  return { ...fresh, stages: { ...fresh.stages, download } };
}

const ask = (
  run: number,
  token: number,
  session: number,
  outcome: VerdictQuestion['outcome'] = 'finished',
): VerdictQuestion => ({
  cluster,
  session: session as SessionId,
  stage: 'download',
  run,
  token: token as Token,
  outcome,
});

const answered = (answer: string) => ({ kind: 'answer', answer });
const dead: Lock = { state: 'dead', run: 1, failures: 5, lostBy: [], reason: 'no' };

describe('a verdict', () => {
  it('on a token that holds the lock in this session is settled, never answered from before', () => {
    expect(judge(at(held(1, 10, 5)), cluster, ask(1, 10, 5))).toEqual({ kind: 'settle' });
  });

  it('on a failure that holds the lock in this session is put on record first', () => {
    expect(judge(at(held(1, 10, 5)), cluster, ask(1, 10, 5, 'failed'))).toEqual({ kind: 'fail' });
  });

  it('on a token held by another session closes that session first, whatever the outcome', () => {
    for (const outcome of ['finished', 'failed'] as const)
      expect(judge(at(held(1, 10, 5)), cluster, ask(1, 10, 8, outcome))).toEqual({ kind: 'close' });
  });

  it('on the committed token is accepted, in any session', () => {
    for (const session of [5, 8])
      expect(judge(at(committed(1, 10, 5)), cluster, ask(1, 10, session))).toEqual(
        answered('accepted'),
      );
  });

  it('on the done token is accepted again and again, also while later runs go on or died', () => {
    for (const lock of [FRESH_LOCK, held(2, 20, 8), committed(2, 20, 8), { ...dead, run: 2 }])
      for (const session of [5, 8])
        expect(judge(at(lock, done(1, 10)), cluster, ask(1, 10, session))).toEqual(
          answered('accepted'),
        );
  });

  it('on a token that has the number of another run’s done one, as after a restore, is settled first', () => {
    const state = at(held(2, 10, 5), done(1, 10));
    expect(judge(state, cluster, ask(2, 10, 5))).toEqual({ kind: 'settle' });
    expect(judge(state, cluster, ask(1, 10, 4))).toEqual(answered('accepted'));
  });

  it('on a token of a run below the done one is over: the copy may be dropped', () => {
    for (const lock of [FRESH_LOCK, held(3, 30, 8), dead])
      expect(judge(at(lock, done(2, 20)), cluster, ask(1, 10, 5))).toEqual(answered('over'));
  });

  it('on a token that lost its lock is fenced, while its run is free, another token holds it, or it is done by another', () => {
    for (const state of [
      at(FRESH_LOCK),
      at(dead),
      at(held(1, 15, 5)),
      at(committed(1, 15, 5)),
      at(FRESH_LOCK, done(1, 15)),
      at(held(2, 20, 5), done(1, 15)),
    ])
      expect(judge(state, cluster, ask(1, 10, 5))).toEqual(answered('fenced'));
  });

  it('on a failure whose lock is gone is noted, and nothing is counted twice', () => {
    for (const state of [
      at(FRESH_LOCK),
      at(dead),
      at(held(1, 15, 5)),
      at(FRESH_LOCK, done(1, 15)),
      at(FRESH_LOCK, done(2, 20)),
    ])
      expect(judge(state, cluster, ask(1, 10, 5, 'failed'))).toEqual(answered('noted'));
  });

  it('of another world is fenced, also where every number fits', () => {
    const question = ask(1, 10, 5);
    for (const state of [
      at(held(1, 10, 5)),
      at(committed(1, 10, 5)),
      at(FRESH_LOCK, done(1, 10)),
    ]) {
      expect(judge(state, cluster, { ...question, cluster: otherCluster })).toEqual(
        answered('fenced'),
      );
      expect(judge(state, otherCluster, { ...question, cluster: otherCluster })).toEqual(
        answered('fenced'),
      );
      expect(judge(state, otherCluster, question)).toEqual(answered('fenced'));
    }
  });

  it('looks at the stage that is asked about and at no other', () => {
    const state = at(held(1, 10, 5));
    expect(judge(state, cluster, { ...ask(1, 10, 5), stage: 'transcribe' })).toEqual(
      answered('fenced'),
    );
  });

  it('in this world: accepted only if the token is committed or done; held is never answered; fenced and over only if neither', () => {
    const small = fc.integer({ min: 1, max: 4 });
    const lock = fc.oneof(
      fc.constantFrom<Lock>(FRESH_LOCK, dead),
      fc.tuple(small, small, small).map((numbers) => held(...numbers)),
      fc.tuple(small, small, small).map((numbers) => committed(...numbers)),
    );
    const last = fc.option(fc.tuple(small, small).map((numbers) => done(...numbers)));
    const question = fc
      .tuple(small, small, small, fc.constantFrom('finished' as const, 'failed' as const))
      .map((parts) => ask(...parts));
    fc.assert(
      fc.property(lock, last, question, (now, pointer, asked) => {
        const verdict = judge(at(now, pointer), cluster, asked);
        const word = verdict.kind === 'answer' ? verdict.answer : null;
        const isDone = pointer?.token === asked.token && pointer.run === asked.run;
        const isCommitted = now.state === 'committed' && now.token === asked.token;
        const isHeld = now.state === 'held' && now.token === asked.token && !isDone;
        expect(word === 'accepted').toBe(isDone || isCommitted);
        expect(word === null).toBe(isHeld);
        if (word === 'over') expect(asked.run).toBeLessThan(pointer?.run ?? 0);
      }),
      { numRuns: 2_000 },
    );
  });
});
