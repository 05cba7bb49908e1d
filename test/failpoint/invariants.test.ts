import type { EpisodeState, HeldLock, StageState } from '@podctl/domain/episode-state.ts';
import { FRESH_LOCK } from '@podctl/domain/episode-state.ts';
import type { AgentId, ClusterId, Epoch, Nonce, SessionId, Token } from '@podctl/domain/ids.ts';
import type { ManifestRef } from '@podctl/domain/manifest.ts';
import { byStage } from '@podctl/domain/stage.ts';
import { describe, expect, test } from 'vitest';
import { type EpisodeRevision, violations } from './invariants.ts';

const KEY = 'job.feed.episode';
const MANIFEST: ManifestRef = { sha256: 'a'.repeat(64), files: 1, bytes: 1, audioSeconds: null };
const FREE: StageState = { wanted: 1, requests: ['poll'], lock: FRESH_LOCK, done: null };

function heldLock(token: number, session = 5): HeldLock {
  return {
    state: 'held',
    failures: 0,
    lostBy: [],
    run: 1,
    token: token as Token,
    agent: 'worker' as AgentId,
    session: session as SessionId,
    epoch: 1 as Epoch,
    nonce: 'n' as Nonce,
    sinceMs: 0,
  };
}

const held = (token: number, session = 5): StageState => ({
  ...FREE,
  lock: heldLock(token, session),
});
const committed = (token: number, session = 5): StageState => ({
  ...FREE,
  lock: { ...heldLock(token, session), state: 'committed', manifest: MANIFEST },
});
const done = (token: number, run = 1): StageState => ({
  ...FREE,
  done: { run, token: token as Token, manifest: MANIFEST },
});

/** The downloads of one episode, at revisions 1, 2, 3, … */
function logOf(...downloads: readonly StageState[]): EpisodeRevision[] {
  return downloads.map((download, i) => {
    const world = { cluster: 'c' as ClusterId, nonce: 'n' as Nonce };
    const state: EpisodeState = { ...world, stages: { ...byStage(() => FREE), download } };
    return { key: KEY, revision: i + 1, previous: i, state };
  });
}

const answered = (answer: 'accepted' | 'fenced', token: number) =>
  [{ key: KEY, stage: 'download', run: 1, token, answer }] as const;

describe('the invariants, read from the log of all revisions', () => {
  test('hold for an assignment that is lost, given again, committed and done', () => {
    const log = logOf(FREE, held(1), FREE, held(3), committed(3), done(3));
    expect(violations(log, [...answered('accepted', 3), ...answered('fenced', 1)])).toEqual([]);
  });

  test.each([
    ['a lock given away while it was held', [FREE, held(1), held(2)], 'while it was held'],
    ['a token that is not the revision replaced', [FREE, held(9)], 'its token is 9, not 1'],
    ['a run that is done already', [FREE, held(1), committed(1), done(1), held(4)], 'given away'],
    ['a commit without a lock', [FREE, committed(1)], 'committed while it was free'],
    ['a commit of another token', [FREE, held(1), committed(2)], 'where 1 held'],
    ['a commit of another session', [FREE, held(1), committed(1, 6)], 'was committed where'],
    ['a committed lock revoked', [FREE, held(1), committed(1), FREE], 'was forgotten'],
    ['a done record without a commit', [FREE, held(1), done(1)], 'done and not committed'],
    ['a done record taken back', [FREE, held(1), committed(1), done(1), FREE], 'taken back'],
    [
      'two accepted results of one run',
      [FREE, held(1), committed(1), FREE, held(4), committed(4)],
      'two accepted results, 1 and 4',
    ],
  ] as const)('find %s', (_, downloads, words) => {
    expect(violations(logOf(...downloads)).join('\n')).toContain(words);
  });

  test('find a revision that was not recorded', () => {
    const [first, , third] = logOf(FREE, held(1), FREE);
    expect(violations([first, third].flatMap((entry) => entry ?? []))[0]).toContain('unrecorded');
  });

  test('find an accepted answer to a result that is not accepted, and a fenced one to one that is', () => {
    const log = logOf(FREE, held(1), committed(1), done(1));
    expect(violations(log, answered('accepted', 2))).toHaveLength(1);
    expect(violations(log, answered('fenced', 1))).toHaveLength(1);
  });
});
