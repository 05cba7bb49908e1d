import { type Done, newEpisode } from '@podctl/domain/episode-state.ts';
import type { AgentId, Token } from '@podctl/domain/ids.ts';
import { expect, it } from 'vitest';
import { CLUSTER, NONCE } from '../../../../test/support/hand-built-fleet.ts';
import { addTally, emptyTally } from './tally.ts';

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
    const stages = { download: { ...download, lock }, transcribe: { ...transcribe, lock } };
    const tally = emptyTally();
    addTally(tally, { ...fresh, stages }, 1);
    expect(tally).toMatchObject({
      ...{ episodes: 1, skipped: 1, dead: 0, killers: 0 },
      deadJobs: { download: 0, transcribe: 0 },
      remaining: { download: 0, transcribe: 0 },
    });
  },
);

it('a purged result is no done one, its audio is not counted, and it is to be done again', () => {
  const fresh = newEpisode(CLUSTER, NONCE, 'poll');
  const manifest = { sha256: 'a'.repeat(64), files: 1, bytes: 9, audioSeconds: 60 };
  const done = { run: 1, token: 4 as Token, manifest };
  const stage = { ...fresh.stages.download, wanted: 2 };
  const counted = (result: Done) => {
    const tally = emptyTally();
    const of = { ...stage, done: result };
    addTally(tally, { ...fresh, stages: { download: of, transcribe: of } }, 1);
    return tally;
  };
  const both = (n: number) => ({ download: n, transcribe: n });
  expect(counted(done)).toMatchObject({ done: both(1), audioSecondsTranscribed: 60 });
  expect(counted({ ...done, purged: true })).toMatchObject({
    ...{ done: both(0), remaining: both(1), audioSeconds: 0, audioSecondsTranscribed: 0 },
  });
});
