import { type EpisodeState, newEpisode } from '@podctl/domain/episode-state.ts';
import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import { describe, expect, it } from 'vitest';
import { CLUSTER, episodeOf, NONCE } from '../../../../test/support/hand-built-fleet.ts';
import {
  dead,
  done,
  failed,
  held,
  type StageChange,
  unwanted,
} from '../../../../test/support/stage-change.ts';
import { chosenJobs, namedJobs, type RetryFilter } from './retry-choice.ts';

const feed = 'alpha' as FeedId;
const name = { feed, episode: episodeOf(feed, 1) };
const NOW_MS = 1_000;
const all = { failed: true, dead: true, stages: STAGES };

function state(...changes: StageChange[]): EpisodeState {
  return changes.reduce((is, change) => change(is), newEpisode(CLUSTER, NONCE, 'poll'));
}

const stagesOf = (jobs: readonly { readonly stage: string }[]) => jobs.map(({ stage }) => stage);

describe('what a filter chooses', () => {
  it('is what is dead, or failed and waits; never what runs, is done, or is not wanted', () => {
    const choose = (is: EpisodeState) => stagesOf(chosenJobs(name, is, all, NOW_MS));
    expect(choose(state(dead('download', 'x')))).toEqual(['download']);
    expect(choose(state(failed('download', 'x', NOW_MS + 1)))).toEqual(['download']);
    expect(choose(state(failed('download', 'x', NOW_MS)))).toEqual([]);
    expect(choose(state(held('download', { agent: 'a' as AgentId, session: 1 })))).toEqual([]);
    expect(choose(state(done('download'), done('transcribe')))).toEqual([]);
    for (const how of ['skipped', 'canceled'] as const)
      expect(choose(state(done('download'), unwanted('transcribe', how)))).toEqual([]);
    expect(choose(state(dead('download', 'canceled by the peer')))).toEqual(['download']);
  });

  it('keeps to its stages and to what it asks for', () => {
    const is = state(dead('download', 'x'), failed('transcribe', 'x', NOW_MS + 1));
    const choose = (filter: Partial<RetryFilter>) =>
      stagesOf(chosenJobs(name, is, { ...all, ...filter }, NOW_MS));
    expect(choose({})).toEqual(['download', 'transcribe']);
    expect(choose({ dead: false })).toEqual(['transcribe']);
    expect(choose({ stages: ['download'] })).toEqual(['download']);
  });
});

describe('of an episode that is named', () => {
  it.each(['skipped', 'canceled'] as const)(
    'a %s stage comes back, and a done one only where the stage is named too',
    (how) => {
      const is = state(done('download'), unwanted('transcribe', how));
      expect(namedJobs(name, is, null, NOW_MS)).toEqual([
        { ...name, stage: 'transcribe', run: null },
      ]);
      expect(namedJobs(name, is, 'download', NOW_MS)).toEqual([
        { ...name, stage: 'download', run: 1 },
      ]);
    },
  );

  it('what runs, or waits for an agent only, is left alone', () => {
    const is = state(held('download', { agent: 'a' as AgentId, session: 1 }));
    expect(namedJobs(name, is, null, NOW_MS)).toEqual([]);
    expect(namedJobs(name, is, 'download', NOW_MS)).toEqual([]);
  });
});
