import { expect, it } from 'vitest';
import { type Move, move, nextRun } from './episode-move.ts';
import { type EpisodeState, newEpisode } from './episode-state.ts';
import type { AgentId, ClusterId, Epoch, Nonce, SessionId, Token } from './ids.ts';
import { wishedModel } from './run-wish.ts';

const cluster = 'c'.repeat(16) as ClusterId;
const nonce = 'a'.repeat(16) as Nonce;
const limits = { failuresMax: 3, lossesMax: 3, backoffFirstMs: 1_000, backoffMaxMs: 8_000 };
const manifest = { sha256: '0'.repeat(64), files: 1, bytes: 9, audioSeconds: 60 };
const fresh = newEpisode(cluster, nonce, 'poll');

function after(state: EpisodeState, ...steps: readonly Move[]): EpisodeState {
  let now = state;
  for (const step of steps) {
    const moved = move(now, 'download', step, nonce, limits);
    if (!moved.ok) throw new Error(moved.error);
    now = moved.value;
  }
  return now;
}

const request = (id: string, model?: string): Move => ({ kind: 'request', request: id, model });
const holder = { cluster, agent: 'a' as AgentId, session: 5 as SessionId, epoch: 2 as Epoch };
const assign = (token: number): Move => {
  return { kind: 'assign', holder: { ...holder, token: token as Token, nowMs: 1 } };
};
const fail = (token: number, final: boolean): Move => ({
  ...{ kind: 'revoke', token: token as Token, nowMs: 1, random: 0.5 },
  end: { kind: 'failed', reason: 'no', retryAfterMs: null, final },
});
const finish = (token: number): Move[] => [
  { kind: 'commit', token: token as Token, manifest },
  { kind: 'publish', token: token as Token },
];

it('a model is of the run that it was asked for with, until that is done, whatever comes between', () => {
  const one = after(fresh, assign(1), ...finish(1), request('r', 'large-v3'));
  expect(wishedModel(one.stages.download, 2)).toBe('large-v3');
  expect(wishedModel(one.stages.download, 3)).toBeNull();
  const busy = after(one, assign(2), fail(2, false), request('more'), assign(3));
  expect(wishedModel(busy.stages.download, 2)).toBe('large-v3');
  const done = after(busy, ...finish(3));
  expect(done.stages.download).not.toHaveProperty('wish');
  expect(wishedModel(done.stages.download, nextRun(done.stages.download))).toBeNull();
});

it('a model that is asked for with a run to come outlasts those before it', () => {
  const two = after(fresh, assign(1), request('r', 'large-v3'), ...finish(1));
  expect(wishedModel(two.stages.download, 2)).toBe('large-v3');
});

it('a dead run and one that waits are done with the model of the newest request that names one', () => {
  const dead = after(fresh, assign(1), fail(1, true));
  const small = after(dead, request('r', 'small'));
  expect(wishedModel(small.stages.download, 1)).toBe('small');
  const large = after(small, { kind: 'hasten', model: 'large-v3' });
  expect(wishedModel(large.stages.download, 1)).toBe('large-v3');
  expect(after(large, { kind: 'hasten' }).stages).toEqual(large.stages);
});

it('a request that was counted before changes no model', () => {
  const again = after(fresh, request('poll', 'large-v3'));
  expect(again.stages).toEqual(fresh.stages);
});

it('asked for as ever, a run that no agent has the model for takes the wish back', () => {
  const one = after(fresh, assign(1), ...finish(1), request('r', 'no-such'));
  const dead = after(one, assign(2), fail(2, true));
  expect(wishedModel(dead.stages.download, 2)).toBe('no-such');
  expect(wishedModel(after(dead, request('s')).stages.download, 2)).toBe('no-such');
  const again = after(dead, request('t', 'auto')).stages.download;
  expect(wishedModel(again, nextRun(again))).toBeNull();
});
