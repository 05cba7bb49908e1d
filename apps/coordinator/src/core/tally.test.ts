import { newEpisode } from '@podctl/domain/episode-state.ts';
import type { AgentId } from '@podctl/domain/ids.ts';
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
