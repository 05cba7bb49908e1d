import { newEpisode } from '@podctl/domain/episode-state.ts';
import { expect, it } from 'vitest';
import { CLUSTER, NONCE } from '../../../../test/support/hand-built-fleet.ts';
import { addTally, emptyTally } from './tally.ts';

it('a skipped episode is not dead, and nothing of it is left', () => {
  const fresh = newEpisode(CLUSTER, NONCE, 'poll');
  const lock = {
    state: 'dead',
    run: 1,
    failures: 0,
    lostBy: [],
    reason: 'x',
    skipped: true,
  } as const;
  const { download, transcribe } = fresh.stages;
  const stages = { download: { ...download, lock }, transcribe: { ...transcribe, lock } };
  const tally = emptyTally();
  addTally(tally, { ...fresh, stages }, 1);
  expect(tally).toMatchObject({
    ...{ episodes: 1, skipped: 1, dead: 0 },
    deadJobs: { download: 0, transcribe: 0 },
    remaining: { download: 0, transcribe: 0 },
  });
});
