import { move } from '@podctl/domain/episode-move.ts';
import { type EpisodeState, FRESH_LOCK, newEpisode } from '@podctl/domain/episode-state.ts';
import type { AgentId, Epoch, FeedId, SessionId, Token } from '@podctl/domain/ids.ts';
import type { AttemptEnd } from '@podctl/domain/retry.ts';
import { expect, test } from 'vitest';
import { CLUSTER, episodeOf, NONCE } from '../../../../test/support/hand-built-fleet.ts';
import { ASIDE_KEPT_MAX, attemptsEnded, ENDED_KEPT_MAX, JobHistory } from './job-history.ts';
import type { EpisodeRow } from './snapshot.ts';

const feed = 'alpha' as FeedId;
const agent = 'a1' as AgentId;
const limits = { failuresMax: 2, lossesMax: 3, backoffFirstMs: 10, backoffMaxMs: 50 };
const token = 7 as Token;
const manifest = { sha256: 'ab'.repeat(32), files: 2, bytes: 10, audioSeconds: null };
const END_MS = 900;

const fresh = newEpisode(CLUSTER, NONCE, 'poll');
const row = (state: EpisodeState): EpisodeRow => ({
  ...{ feed, episode: episodeOf(feed, 1), revision: 1, state },
});

function moved(state: EpisodeState, step: Parameters<typeof move>[2]): EpisodeState {
  const after = move(state, 'download', step, NONCE, limits);
  if (!after.ok) throw new Error(after.error);
  return after.value;
}

function assigned(state: EpisodeState = fresh, as = token): EpisodeState {
  const holder = { cluster: CLUSTER, token: as, agent, session: 3 as SessionId };
  return moved(state, { kind: 'assign', holder: { ...holder, epoch: 1 as Epoch, nowMs: 100 } });
}

const ended = (state: EpisodeState, end: AttemptEnd) =>
  moved(state, { kind: 'revoke', token, end, nowMs: 500, random: 0.5 });
const tell = (was: EpisodeState, is: EpisodeState) => attemptsEnded(row(was), row(is), END_MS);

const failed = { kind: 'failed', reason: 'no audio', retryAfterMs: null, final: false } as const;

test.each([
  ['failed', failed, 'no audio'],
  ['dead', { ...failed, final: true }, 'no audio'],
  ['lost', { kind: 'lost' }, 'agent a1 was lost'],
  ['returned', { kind: 'returned', reason: 'it left', retryAfterMs: null }, 'it left'],
  ['canceled', { kind: 'canceled', reason: 'canceled by ann' }, 'canceled by ann'],
  ['canceled', { kind: 'skipped', reason: 'skipped by ann' }, 'skipped by ann'],
  ['dead', { ...failed, reason: 'canceled by the peer', final: true }, 'canceled by the peer'],
] as const)('an attempt that ended as %s is told as that', (outcome, end, reason) => {
  const held = assigned();
  expect(tell(held, ended(held, end))).toEqual([
    {
      ...{ feed, episode: episodeOf(feed, 1), stage: 'download', run: 1, token, agent },
      ...{ attempt: 1, beganMs: 100, endedMs: END_MS, outcome, reason },
    },
  ]);
});

test('a result counts once, by its commit or, where that was not seen, by what follows', () => {
  const held = assigned();
  const committed = moved(held, { kind: 'commit', token, manifest });
  const done = moved(committed, { kind: 'publish', token });
  const told = { outcome: 'done', token, agent, attempt: 1 };
  expect(tell(fresh, held)).toEqual([]);
  expect(tell(held, committed)).toMatchObject([told]);
  expect(tell(committed, done)).toEqual([]);
  expect(tell(held, done)).toMatchObject([told]);
  expect(tell(fresh, committed)).toMatchObject([told]);
  expect(tell(fresh, done)).toMatchObject([{ outcome: 'done', agent: null, attempt: null }]);
});

test('an attempt that was followed by another one before anybody looked is told all the same', () => {
  const held = assigned();
  const later = assigned(
    {
      ...fresh,
      stages: {
        ...fresh.stages,
        download: { ...fresh.stages.download, lock: { ...FRESH_LOCK, failures: 1 } },
      },
    },
    9 as Token,
  );
  expect(tell(held, later)).toMatchObject([{ token, outcome: 'failed', reason: '' }]);
});

test('with whom an attempt failed is remembered, by its stage; who only handed it back is not blamed', () => {
  const history = new JobHistory();
  const held = assigned();
  history.take(row(held), row(ended(held, failed)), END_MS);
  history.take(row(held), row(ended(held, { ...failed, kind: 'returned' })), END_MS);
  const { episode } = row(held);
  expect(history.failedWith(episode, 'download')).toEqual([agent]);
  expect(history.failedWith(episode, 'transcribe')).toEqual([]);
});

test('the newest are kept', () => {
  const history = new JobHistory();
  const held = assigned();
  for (let i = 0; i < ENDED_KEPT_MAX + 3; i += 1)
    history.take(row(held), row(ended(held, failed)), i);
  expect(history.ended()).toHaveLength(ENDED_KEPT_MAX);
  expect(history.ended()[0]?.endedMs).toBe(3);
});

test('scores, of which there may be a million, drive no failure of a download out', () => {
  const history = new JobHistory();
  const held = assigned();
  const after = ended(held, failed);
  const asScore = ({ stages: { download } }: EpisodeState): EpisodeState => ({
    ...fresh,
    stages: { ...fresh.stages, score: download },
  });
  history.take(row(held), row(after), END_MS);
  for (let i = 0; i < ENDED_KEPT_MAX + 3; i += 1)
    history.take(row(asScore(held)), row(asScore(after)), i);
  expect(history.failedWith(row(held).episode, 'download')).toEqual([agent]);
  const scores = history.ended().filter(({ stage }) => stage === 'score');
  expect([scores.length, scores.at(-1)?.endedMs]).toEqual([ASIDE_KEPT_MAX, ENDED_KEPT_MAX + 2]);
});
