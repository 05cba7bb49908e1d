import { expect, test } from 'vitest';
import { type Move, move } from './episode-move.ts';
import { type EpisodeState, newEpisode } from './episode-state.ts';
import type { AgentId, ClusterId, Epoch, Nonce, SessionId, Token } from './ids.ts';
import { type Manifest, manifestRef } from './manifest.ts';
import { byStage, FIGURE_MAX, STAGE_ROWS, STAGES, type Stage } from './stage.ts';

const cluster = 'c'.repeat(16) as ClusterId;
const nonce = 'a'.repeat(16) as Nonce;
const limits = { failuresMax: 1, lossesMax: 1, backoffFirstMs: 1, backoffMaxMs: 1 };
const manifest = { sha256: '0'.repeat(64), files: 1, bytes: 9, audioSeconds: 60 };
let token = 0;

function after(state: EpisodeState, stage: Stage, step: Move): EpisodeState {
  const moved = move(state, stage, step, nonce, limits);
  if (!moved.ok) throw new Error(moved.error);
  return moved.value;
}

function held(state: EpisodeState, stage: Stage): EpisodeState {
  token += 1;
  const of = { cluster, agent: 'a' as AgentId, session: 5 as SessionId, epoch: 2 as Epoch };
  const holder = { ...of, token: token as Token, nowMs: 0 };
  return after(state, stage, { kind: 'assign', holder });
}

function published(state: EpisodeState, stage: Stage): EpisodeState {
  const { lock } = state.stages[stage];
  if (lock.state !== 'held') throw new Error('it is not held');
  const done = after(state, stage, { kind: 'commit', token: lock.token, manifest });
  return after(done, stage, { kind: 'publish', token: lock.token });
}

const done = (state: EpisodeState, stage: Stage) => published(held(state, stage), stage);
const again = (state: EpisodeState, stage: Stage) =>
  after(state, stage, { kind: 'request', request: `again-${state.stages[stage].wanted}` });
const fresh = () => newEpisode(cluster, nonce, 'poll');
const heard = () => done(done(fresh(), 'download'), 'transcribe');

test('each stage is a row: a letter of its own, and an input that comes before it', () => {
  const rows = STAGES.map((stage) => STAGE_ROWS[stage]);
  expect(new Set(rows.map(({ code }) => code)).size).toBe(STAGES.length);
  // Fields of the value that are no stage.
  for (const { code } of rows) expect(['v', 'c', 'n', 'w']).not.toContain(code);
  for (const [i, { input }] of rows.entries())
    if (input !== null) expect(STAGES.slice(0, i)).toContain(input.stage);
  expect(Object.keys(byStage(() => 0))).toEqual([...STAGES]);
});

test('a first transcript asks for no second score, and a newer one does', () => {
  expect(heard().stages.score.wanted).toBe(1);
  const scored = done(heard(), 'score');
  const newer = done(again(scored, 'transcribe'), 'transcribe');
  expect(newer.stages.score).toMatchObject({ wanted: 2, done: { run: 1 } });
  expect(done(newer, 'score').stages.score).toMatchObject({ wanted: 2, done: { run: 2 } });
});

test('a score that runs on the older transcript is followed by one of the newer, once', () => {
  const running = again(held(heard(), 'score'), 'transcribe');
  const newer = done(running, 'transcribe');
  expect(newer.stages.score).toMatchObject({ wanted: 2, lock: { state: 'held', run: 1 } });
  const twice = done(again(newer, 'transcribe'), 'transcribe');
  expect(twice.stages.score.wanted).toBe(2);
});

test('a newer transcript frees a dead score, and leaves one that somebody skipped', () => {
  const running = held(heard(), 'score');
  const { lock } = running.stages.score;
  const end = { kind: 'failed', reason: 'x', retryAfterMs: null, final: true } as const;
  const step = { kind: 'revoke', token: 'token' in lock ? lock.token : (0 as Token), end } as const;
  const dead = after(running, 'score', { ...step, nowMs: 0, random: 0 });
  const newer = (state: EpisodeState) =>
    done(again(state, 'transcribe'), 'transcribe').stages.score;
  expect(dead.stages.score.lock.state).toBe('dead');
  expect(newer(dead)).toMatchObject({ wanted: 1, lock: { state: 'free', failures: 0 } });
  const skipped = after(heard(), 'score', { kind: 'skip', reason: 'skipped by ann' });
  expect(newer(skipped)).toMatchObject({ lock: { state: 'dead', ended: 'skipped' } });
});

test('newer audio asks for no transcription by itself: an hour of a GPU is for a person to ask for', () => {
  expect(done(again(heard(), 'download'), 'download').stages.transcribe.wanted).toBe(1);
});

test('only the detail that the row names becomes the figure, where it is one', () => {
  const of = (stage: Stage, details: Manifest['details']) =>
    manifestRef({ stage, details, files: [], audioSeconds: 1 } as unknown as Manifest, '').figure;
  expect(of('score', { bookWeight: 1.2345 })).toBe(1.23);
  expect(of('download', { bookWeight: 1 })).toBeUndefined();
  for (const odd of [-1, FIGURE_MAX + 1, '9', null, true])
    expect(of('score', { bookWeight: odd })).toBeUndefined();
});
