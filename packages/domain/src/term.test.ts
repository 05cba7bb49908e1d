import { describe, expect, test } from 'vitest';
import type { Nonce } from './ids.ts';
import {
  afterEvent,
  isTrusted,
  type LeaderSeen,
  newTerm,
  nextAction,
  type Term,
  type TermEvent,
  type TermRules,
} from './term.ts';

const rules: TermRules = {
  ttlMs: 6_000,
  renewEveryMs: 2_000,
  marginMs: 1_000,
  pollEveryMs: 2_000,
  retryMs: 250,
};
const nonce = (text: string) => text as Nonce;
const free = (revision: number): LeaderSeen => ({ kind: 'free', revision });
const held = (revision: number, by: string): LeaderSeen => ({
  kind: 'held',
  revision,
  nonce: nonce(by),
});
const read = (seen: LeaderSeen): TermEvent => ({ kind: 'read', seen, mayStand: true });

function play(term: Term, ...events: readonly (readonly [number, TermEvent])[]): Term {
  return events.reduce((now, [atMs, event]) => afterEvent(now, event, atMs, rules), term);
}
const fresh = (alone = false) => newTerm(0, { alone });
const sent = (by: string): TermEvent => ({ kind: 'sent', nonce: nonce(by) });
const written = (revision: number, by: string): TermEvent => ({
  kind: 'written',
  revision,
  nonce: nonce(by),
});
/** Sent at 100, answered at 400: trusted until 5,100. */
const leader = () => play(fresh(), [0, read(free(7))], [100, sent('a')], [400, written(8, 'a')]);

describe('a term', () => {
  test('stands at the marker revision when the key is free', () => {
    expect(nextAction(fresh(), 0)).toEqual({ do: 'read' });
    expect(nextAction(play(fresh(), [0, read(free(7))]), 0)).toEqual({ do: 'stand', expected: 7 });
  });

  test('takes the revision of the create that won as its epoch, and keeps it over renewals', () => {
    const renewed = play(leader(), [2_100, sent('b')], [2_200, written(11, 'b')]);
    expect(leader().role).toMatchObject({ state: 'leading', epoch: 8, revision: 8 });
    expect(renewed.role).toMatchObject({ state: 'leading', epoch: 8, revision: 11 });
  });

  test('is trusted from before the write was sent, less the margin', () => {
    expect(isTrusted(leader(), 5_099)).toBe(true);
    expect(isTrusted(leader(), 5_100)).toBe(false);
  });

  test('renews two seconds after the last renewal was sent, at the newest own revision', () => {
    expect(nextAction(leader(), 2_099)).toEqual({ do: 'wait', untilMs: 2_100 });
    expect(nextAction(leader(), 2_100)).toEqual({ do: 'renew', expected: 8, epoch: 8 });
  });

  test('does not lead by an answer that came after the trust it would give', () => {
    const late = play(fresh(), [0, read(free(7))], [100, sent('a')], [5_100, written(8, 'a')]);
    expect(late.role.state).toBe('following');
    // What it left in the key is its own, so it need not wait for the key to expire.
    const again = play(late, [5_200, read(held(8, 'a'))]);
    expect(nextAction(again, 5_200)).toEqual({ do: 'stand', expected: 8 });
  });

  test('steps down when its trust runs out, and a renewal answered later does not bring it back', () => {
    const out = play(leader(), [2_100, sent('b')], [5_100, { kind: 'tick' }]);
    expect(out.role).toMatchObject({ state: 'deposed', epoch: 8, why: 'trust ran out' });
    expect(play(out, [5_200, written(9, 'b')]).role.state).toBe('following');
    // Without a tick too: time is looked at first.
    expect(play(leader(), [2_100, sent('b')], [5_100, written(9, 'b')]).role.state).toBe('deposed');
  });

  test('is deposed at once by a conflict', () => {
    const out = play(leader(), [2_100, sent('b')], [2_200, { kind: 'conflict' }]);
    expect(out.role).toMatchObject({ state: 'deposed', why: 'another holds the key' });
  });

  test('keeps its old trust, and no more, while the outcome of a renewal is unknown', () => {
    const doubt = play(leader(), [2_100, sent('b')], [3_600, { kind: 'unknown' }]);
    expect(isTrusted(doubt, 5_099)).toBe(true);
    expect(isTrusted(doubt, 5_100)).toBe(false);
    expect(nextAction(doubt, 3_850)).toEqual({ do: 'read' });
  });

  test('finds its own renewal in the key and is trusted from when that was sent', () => {
    const doubt = play(leader(), [2_100, sent('b')], [3_600, { kind: 'unknown' }]);
    const landed = play(doubt, [3_900, read(held(9, 'b'))]);
    expect(landed.role).toMatchObject({ revision: 9, trustedUntilMs: 7_100 });
    expect(nextAction(landed, 4_100)).toEqual({ do: 'renew', expected: 9, epoch: 8 });
  });

  test('tries again at the old revision when its renewal did not land, and survives that one landing late', () => {
    const doubt = play(leader(), [2_100, sent('b')], [3_600, { kind: 'unknown' }]);
    const lost = play(doubt, [3_900, read(held(8, 'a'))]);
    expect(nextAction(lost, 3_900)).toEqual({ do: 'renew', expected: 8, epoch: 8 });
    const raced = play(lost, [3_900, sent('c')], [4_000, { kind: 'conflict' }]);
    expect(nextAction(raced, 4_000)).toEqual({ do: 'read' });
    expect(play(raced, [4_100, read(held(9, 'b'))]).role.state).toBe('leading');
  });

  test('is deposed when the key in doubt is another one or gone', () => {
    const doubt = play(leader(), [2_100, sent('b')], [3_600, { kind: 'unknown' }]);
    expect(play(doubt, [3_900, read(held(9, 'x'))]).role.state).toBe('deposed');
    expect(play(doubt, [3_900, read(free(9))]).role.state).toBe('deposed');
  });

  test('looks again when an old answer shows a revision from before its own', () => {
    const doubt = play(leader(), [2_100, sent('b')], [3_600, { kind: 'unknown' }]);
    expect(play(doubt, [3_900, read(held(3, 'x'))]).role.state).toBe('leading');
  });

  test('follows a living leader and reads again at the poll, or when a hint says the key is free', () => {
    const follower = play(fresh(), [0, read(held(5, 'x'))]);
    expect(nextAction(follower, 0)).toEqual({ do: 'wait', untilMs: 2_000 });
    expect(nextAction(play(follower, [900, { kind: 'hinted', seen: free(6) }]), 900)).toEqual({
      do: 'read',
    });
    const still = play(follower, [900, { kind: 'hinted', seen: held(6, 'x') }]);
    expect(nextAction(still, 900)).toEqual({ do: 'wait', untilMs: 2_000 });
  });

  test('reads before it believes a hint that another holds its key', () => {
    const hinted = play(leader(), [500, { kind: 'hinted', seen: held(9, 'x') }]);
    expect(nextAction(hinted, 500)).toEqual({ do: 'read' });
    const own = play(leader(), [500, sent('b')], [600, { kind: 'hinted', seen: held(9, 'b') }]);
    expect(nextAction(own, 600)).toEqual({ do: 'wait', untilMs: 2_100 });
  });

  test('takes a stale key over only when it is proven to be alone, and only the first', () => {
    const alone = play(fresh(true), [0, read(held(5, 'x'))]);
    expect(nextAction(alone, 0)).toEqual({ do: 'stand', expected: 5 });
    const raced = play(
      alone,
      [10, sent('a')],
      [20, { kind: 'conflict' }],
      [300, read(held(6, 'y'))],
    );
    expect(nextAction(raced, 300)).toEqual({ do: 'wait', untilMs: 2_300 });
  });

  test('does not stand while it may not', () => {
    const barred = play(fresh(), [0, { kind: 'read', seen: free(0), mayStand: false }]);
    expect(nextAction(barred, 0)).toEqual({ do: 'wait', untilMs: 2_000 });
  });

  test('tries again a little later after a lost race, a failed read, and a create in doubt', () => {
    const standing = play(fresh(), [0, read(free(0))], [0, sent('a')]);
    for (const kind of ['conflict', 'unread', 'unknown'] as const) {
      const after = play(standing, [100, { kind }]);
      expect(nextAction(after, 100)).toEqual({ do: 'wait', untilMs: 350 });
    }
  });

  test('gives others the chance after it resigned', () => {
    const out = play(leader(), [500, { kind: 'resigned' }]);
    expect(nextAction(out, 500)).toEqual({ do: 'wait', untilMs: 2_500 });
  });

  test('remembers a bounded number of its writes; a forgotten one reads as a stranger', () => {
    let term = fresh();
    for (let n = 0; n < 9; n++) term = play(term, [n, sent(`w${n}`)]);
    expect(term.writes).toHaveLength(8);
    expect(play(term, [20, read(held(1, 'w0'))]).role.state).toBe('following');
    expect(play(term, [20, read(held(1, 'w8'))]).role.state).toBe('standing');
  });
});
