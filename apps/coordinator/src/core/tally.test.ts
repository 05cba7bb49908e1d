import { type Done, newEpisode } from '@podctl/domain/episode-state.ts';
import type { AgentId, Token } from '@podctl/domain/ids.ts';
import { byStage, STAGES } from '@podctl/domain/stage.ts';
import { expect, it } from 'vitest';
import { CLUSTER, NONCE } from '../../../../test/support/hand-built-fleet.ts';
import { done } from '../../../../test/support/stage-change.ts';
import { addTally, emptyTally, sumTallies } from './tally.ts';

it.each(['skipped', 'canceled'] as const)(
  'a %s episode is not dead, kills nobody, and nothing of it is left',
  (ended) => {
    const fresh = newEpisode(CLUSTER, NONCE, 'poll');
    const lock = {
      state: 'dead',
      run: 1,
      failures: 0,
      lostBy: ['a' as AgentId, 'b' as AgentId],
      reason: 'x',
      ended,
    } as const;
    const { download, transcribe } = fresh.stages;
    const stages = {
      ...fresh.stages,
      ...{ download: { ...download, lock }, transcribe: { ...transcribe, lock } },
    };
    const tally = emptyTally();
    addTally(tally, { ...fresh, stages }, 1);
    expect(tally).toMatchObject({
      ...{ episodes: 1, skipped: 1, dead: 0, killers: 0 },
      deadJobs: byStage(() => 0),
      remaining: byStage(() => 0),
    });
  },
);

it('the sum has every stage and every count of both', () => {
  const one = emptyTally();
  for (const [i, stage] of STAGES.entries()) one.remaining[stage] = i + 1;
  Object.assign(one.books, { episodes: 1, evidence: 2, scored: 3, weight: 4, seconds: 5 });
  const sum = sumTallies([one, one]);
  expect(sum.remaining).toEqual(byStage((stage) => 2 * one.remaining[stage]));
  expect(sum.books).toEqual({ episodes: 2, evidence: 4, scored: 6, weight: 8, seconds: 10 });
});

it('a dead score gives up no episode, and leaves nothing that is waited for', () => {
  const fresh = newEpisode(CLUSTER, NONCE, 'poll');
  const lock = { state: 'dead', run: 1, failures: 5, lostBy: [], reason: 'x' } as const;
  const tally = emptyTally();
  addTally(
    tally,
    { ...fresh, stages: { ...fresh.stages, score: { ...fresh.stages.score, lock } } },
    1,
  );
  expect(tally).toMatchObject({ dead: 0, deadJobs: { score: 1 }, remaining: { score: 0 } });
});

it('what a purged score said of books counts no more', () => {
  const scored = done('score', 1_800, 2.5)(newEpisode(CLUSTER, NONCE, 'poll'));
  const { score } = scored.stages;
  const purged = { ...score, done: score.done && { ...score.done, purged: true as const } };
  const [before, after] = [emptyTally(), emptyTally()];
  addTally(before, scored, 1);
  addTally(after, { ...scored, stages: { ...scored.stages, score: purged } }, 1);
  expect([before.books.episodes, after.books.episodes]).toEqual([1, 0]);
});

it('a score that failed keeps no episode waiting, and can be chosen for a retry', () => {
  const fresh = newEpisode(CLUSTER, NONCE, 'poll');
  const lock = { state: 'free', failures: 1, lostBy: [], notBeforeMs: 9, reason: 'x' } as const;
  const tally = emptyTally();
  const score = { ...fresh.stages.score, lock };
  addTally(tally, { ...fresh, stages: { ...fresh.stages, score } }, 1);
  expect(sumTallies([tally, tally])).toMatchObject({ retrying: 0, retryingJobs: 2 });
});

it('of an episode whose download was given up no stage is left, however many follow', () => {
  const fresh = newEpisode(CLUSTER, NONCE, 'poll');
  const lock = { state: 'dead', run: 1, failures: 5, lostBy: [], reason: 'x' } as const;
  const { download } = fresh.stages;
  const tally = emptyTally();
  addTally(tally, { ...fresh, stages: { ...fresh.stages, download: { ...download, lock } } }, 1);
  expect(tally.remaining).toEqual(byStage(() => 0));
});

it('a purged result is no done one, its audio is not counted, and it is to be done again', () => {
  const fresh = newEpisode(CLUSTER, NONCE, 'poll');
  const manifest = { sha256: 'a'.repeat(64), files: 1, bytes: 9, audioSeconds: 60 };
  const done = { run: 1, token: 4 as Token, manifest };
  const stage = { ...fresh.stages.download, wanted: 2 };
  const counted = (result: Done) => {
    const tally = emptyTally();
    const of = { ...stage, done: result };
    addTally(tally, { ...fresh, stages: { ...fresh.stages, download: of, transcribe: of } }, 1);
    return tally;
  };
  const both = (n: number) => ({ download: n, transcribe: n });
  expect(counted(done)).toMatchObject({ done: both(1), audioSecondsTranscribed: 60 });
  expect(counted({ ...done, purged: true })).toMatchObject({
    ...{ done: both(0), remaining: both(1), audioSeconds: 0, audioSecondsTranscribed: 0 },
  });
});
