import type { AgentId, EpisodeId, FeedId, SessionId, Token } from '@podctl/domain/ids.ts';
import { acceptedFolder } from '@podctl/domain/library-path.ts';
import { encodeManifest, type ManifestDetail } from '@podctl/domain/manifest.ts';
import { QualityGroup } from '@podctl/proto/podctl/v1/quality.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type ApiBundle,
  apiBundle,
  ask,
  cleanUp,
  failure,
} from '../../../../test/support/api-bundle.ts';
import { CLUSTER } from '../../../../test/support/hand-built-fleet.ts';
import { done } from '../../../../test/support/stage-change.ts';

const alpha = 'alpha' as FeedId;
const beta = 'beta' as FeedId;
const gamma = 'gamma' as FeedId;
const measured = { 'quality.logProbability': -0.2, 'quality.loopShare': 0.4 };
let api: ApiBundle;
let worst: EpisodeId;

beforeEach(async () => {
  api = await apiBundle();
  for (const feed of [alpha, beta, gamma]) api.fleet.feed(feed);
  const second = { secondPass: 'not better', qualityFirst: 0.2, qualitySecond: 0.1 };
  const dropped = { droppedSegments: 3, droppedSeconds: 4.5, droppedFor: 'loop' };
  worst = await transcript(alpha, 0, 0.2, 'gpu-1', { ...measured, ...second, ...dropped });
  await transcript(alpha, 1, 0.9, 'gpu-1', { finishedAtMs: 2_000 });
  await transcript(beta, 2, 0.4, 'gpu-2', { model: 'base.en', finishedAtMs: 5_000 });
  api.fleet.episode(gamma, 3, done('transcribe'));
});
afterEach(cleanUp);

test('each feed tells the mean of its transcripts, the worst one and how many are poor', async () => {
  expect((await list()).rows).toEqual([
    { name: 'alpha', figures: { episodes: 2, meanRatio: 0.55, worstRatio: 0.2, poor: 1 } },
    { name: 'beta', figures: { episodes: 1, meanRatio: 0.4, worstRatio: 0.4, poor: 1 } },
  ]);
  expect((await list({ belowRatio: 0.3 })).rows[1]?.figures?.poor).toBe(0);
  expect((await list({ feedId: 'beta' })).rows).toHaveLength(1);
});

test('models and agents are told apart by what made each transcript', async () => {
  const names = async (groupBy: QualityGroup) =>
    (await list({ groupBy })).rows.map(({ name, figures }) => [name, figures?.episodes]);
  expect(await names(QualityGroup.MODEL)).toEqual([
    ['base.en', 1],
    ['tiny.en', 2],
  ]);
  expect(await names(QualityGroup.AGENT)).toEqual([
    ['gpu-1', 2],
    ['gpu-2', 1],
  ]);
});

test('since a time only what was made then counts, and what does not say when does not', async () => {
  const since = new Date(2_000);
  expect((await list({ since })).rows.map(({ figures }) => figures?.episodes)).toEqual([1, 1]);
  expect((await list({ since: new Date(3_000) })).rows.map(({ name }) => name)).toEqual(['beta']);
  const { episodes } = await poor({ since: new Date(3_000), belowRatio: 1 });
  expect(episodes.map(({ feedId }) => feedId)).toEqual(['beta']);
});

test('the worst transcripts come first, with why', async () => {
  const { episodes } = await poor({});
  expect(episodes.map(({ feedId }) => feedId)).toEqual(['alpha', 'beta']);
  expect(episodes[0]).toMatchObject({
    episodeId: worst,
    quality: {
      ...{ qualityRatio: 0.2, loopRatio: 0.4, weakest: 'loopShare', secondPass: 'not better' },
      ...{ firstQualityRatio: 0.2, secondQualityRatio: 0.1, droppedSegments: 3, agentId: 'gpu-1' },
    },
  });
  expect((await poor({ pageSize: 1 })).episodes).toHaveLength(1);
  expect((await poor({ belowRatio: 0.3 })).episodes).toHaveLength(1);
});

test('what cannot be asked is refused by its field', async () => {
  expect((await failure(list({ belowRatio: 2 }))).details).toContain('below_ratio');
  expect((await failure(poor({ pageSize: 101 }))).details).toContain('page_size');
  expect((await failure(list({ feedId: 'delta' }))).details).toContain('delta');
});

test('an episode tells its quality in lists, and by what it was judged by itself', async () => {
  const listed = await ask(api.episodes.listEpisodes.bind(api.episodes), {
    ...{ feedId: 'alpha', pageSize: 0, pageToken: '' },
  });
  expect(listed.episodes.map(({ qualityRatio }) => qualityRatio).sort()).toEqual([0.2, 0.9]);
  const { episode } = await ask(api.episodes.getEpisode.bind(api.episodes), { episodeId: worst });
  expect(episode?.transcriptQuality).toMatchObject({ weakest: 'loopShare', droppedFor: 'loop' });
  const { feed } = await ask(api.feeds.getFeed.bind(api.feeds), { feedId: 'gamma' });
  expect(feed?.quality).toBeUndefined();
  const other = await ask(api.feeds.getFeed.bind(api.feeds), { feedId: 'alpha' });
  expect(other.feed?.quality).toMatchObject({ episodes: 2, worstRatio: 0.2 });
});

const group = { groupBy: QualityGroup.FEED, feedId: '', since: undefined, belowRatio: 0 };

function list(asked: Partial<typeof group> | { since?: Date; groupBy?: QualityGroup } = {}) {
  const request = { ...group, pageSize: 0, pageToken: '', ...asked };
  return ask(api.quality.listQuality.bind(api.quality), request);
}

function poor(asked: { since?: Date; belowRatio?: number; pageSize?: number }) {
  const request = { feedId: '', since: undefined, belowRatio: 0, pageSize: 0, ...asked };
  return ask(api.quality.listPoorEpisodes.bind(api.quality), request);
}

/** A done transcription with its manifest in the library. */
async function transcript(
  feed: FeedId,
  n: number,
  quality: number,
  agent: string,
  more: Readonly<Record<string, ManifestDetail>>,
): Promise<EpisodeId> {
  const episode = api.fleet.episode(feed, n, done('transcribe', null, quality));
  const token = 5 as Token;
  const manifest = encodeManifest({
    ...{ version: 1, cluster: CLUSTER, feed, episode, stage: 'transcribe', run: 1, token },
    ...{ agent: agent as AgentId, session: 1 as SessionId, files: [], audioSeconds: 60 },
    details: { quality, model: 'tiny.en', language: 'en', ...more },
  });
  await api.put(`${acceptedFolder(feed, episode, 'transcribe', 1, token)}/manifest.json`, manifest);
  return episode;
}
