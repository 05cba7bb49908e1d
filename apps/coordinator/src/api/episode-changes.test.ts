import { status } from '@grpc/grpc-js';
import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import {
  type EpisodeFilter,
  type PrioritizeEpisodesRequest,
  type RetryEpisodesRequest,
  type SkipEpisodesRequest,
  Stage,
  StageState,
} from '@podctl/proto/podctl/v1/episode.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type ApiBundle,
  all,
  apiBundle,
  ask,
  cleanUp,
  failure,
} from '../../../../test/support/api-bundle.ts';
import { dead, done, failed, held, unwanted } from '../../../../test/support/stage-change.ts';

const alpha = 'alpha' as FeedId;
const beta = 'beta' as FeedId;
let api: ApiBundle;

beforeEach(async () => {
  api = await apiBundle();
  api.fleet.feed(alpha);
  api.fleet.feed(beta);
});
afterEach(cleanUp);

const retry = (fields: Partial<RetryEpisodesRequest>) =>
  ask(api.episodes.retryEpisodes.bind(api.episodes), {
    ...{ episodeIds: [], feedId: '', failed: false, dead: false },
    ...{ stage: Stage.UNSPECIFIED, validateOnly: false, model: '', ...fields },
  });
const later = Date.now() + 3_600_000;

describe('RetryEpisodes', () => {
  test('counts first, then has the dead ones of one feed tried again', async () => {
    const id = api.fleet.episode(alpha, 1, dead('download', 'gone'));
    api.fleet.episode(alpha, 2, failed('download', 'HTTP 500', later));
    api.fleet.episode(beta, 1, dead('download', 'gone'));
    const choice = { feedId: 'alpha', dead: true };
    expect(await retry({ ...choice, validateOnly: true })).toEqual({
      ...{ matched: 1, requested: 0, left: 1 },
    });
    expect(api.fleet.ordered).toEqual([]);
    expect(await retry(choice)).toEqual({ matched: 1, requested: 1, left: 0 });
    expect(api.fleet.ordered).toMatchObject([
      { kind: 'retry_jobs', jobs: [{ feed: 'alpha', episode: id, stage: 'download' }] },
    ]);
    expect((await retry({ dead: true, failed: true, validateOnly: true })).matched).toBe(3);
  });

  test('does 250 jobs a call, and says how many are left', async () => {
    for (let n = 0; n < 260; n += 1) api.fleet.episode(alpha, n, dead('download', 'gone'));
    expect(await retry({ dead: true })).toEqual({ matched: 260, requested: 250, left: 10 });
  });

  test('has a done stage done anew only where it is named', async () => {
    const id = api.fleet.episode(alpha, 1, done('download'));
    api.fleet.episode(alpha, 1, done('transcribe'));
    expect((await retry({ episodeIds: [id.slice(0, 8)] })).matched).toBe(0);
    expect((await retry({ episodeIds: [id], stage: Stage.TRANSCRIBE })).requested).toBe(1);
    expect(api.fleet.repeated).toEqual([{ feed: alpha, episode: id, stage: 'transcribe', run: 1 }]);
  });

  test('passes a model on with the runs of transcription, and with nothing else', async () => {
    const id = api.fleet.episode(alpha, 1, done('transcribe'));
    const named = { episodeIds: [id], model: 'large-v3' };
    expect((await retry({ ...named, stage: Stage.TRANSCRIBE })).requested).toBe(1);
    expect(api.fleet.ordered).toMatchObject([{ kind: 'repeat_runs', model: 'large-v3' }]);
    const stage = await failure(retry(named));
    expect(stage.details).toContain('choose the stage transcribe');
    const name = await failure(retry({ ...named, stage: Stage.TRANSCRIBE, model: '../x' }));
    expect([name.code, name.details]).toEqual([
      status.INVALID_ARGUMENT,
      expect.stringContaining('the model is no name of one'),
    ]);
  });

  test('refuses to choose nothing, and to name and choose at once', async () => {
    const id = api.fleet.episode(alpha, 1);
    for (const wrong of [{}, { feedId: 'alpha' }, { episodeIds: [id], dead: true }]) {
      const error = await failure(retry(wrong));
      expect(error.code).toBe(status.INVALID_ARGUMENT);
    }
  });
});

describe('SkipEpisode', () => {
  test('says which stages are given up, and who asked', async () => {
    const id = api.fleet.episode(alpha, 1);
    const skip = api.episodes.skipEpisode.bind(api.episodes);
    expect(await ask(skip, { episodeId: id.slice(0, 6) })).toEqual({
      ...{ episodeId: id, skipped: [Stage.DOWNLOAD, Stage.TRANSCRIBE] },
    });
    expect(api.fleet.ordered).toMatchObject([{ episode: { by: 'an operator' } }]);
  });

  test('refuses an episode of a feed that was removed', async () => {
    const id = api.fleet.episode(alpha, 1);
    api.fleet.feed(alpha, { removed: true });
    const skip = api.episodes.skipEpisode.bind(api.episodes);
    expect((await failure(ask(skip, { episodeId: id }))).code).toBe(status.FAILED_PRECONDITION);
  });
});

describe('SkipEpisodes', () => {
  const skip = (fields: Partial<SkipEpisodesRequest>) =>
    ask(api.episodes.skipEpisodes.bind(api.episodes), {
      ...{ feedId: '', failed: false, dead: false, validateOnly: false, ...fields },
    });

  test('counts first, then skips the dead and failed ones of one feed', async () => {
    const gone = api.fleet.episode(alpha, 1, dead('download', 'gone'));
    const waits = api.fleet.episode(alpha, 2, failed('download', 'HTTP 500', later));
    api.fleet.episode(alpha, 3);
    api.fleet.episode(beta, 1, dead('download', 'gone'));
    const choice = { feedId: 'alpha', dead: true, failed: true };
    expect(await skip({ ...choice, validateOnly: true })).toEqual({
      ...{ matched: 2, skipped: 0, left: 2 },
    });
    expect(api.fleet.ordered).toEqual([]);
    expect(await skip(choice)).toEqual({ matched: 2, skipped: 2, left: 0 });
    const skipped = api.fleet.ordered.map((order) =>
      order.kind === 'skip_episode' ? order.episode : null,
    );
    expect(skipped.map((episode) => episode?.episode).sort()).toEqual([gone, waits].sort());
  });

  test('does 250 episodes a call, and refuses to choose nothing', async () => {
    for (let n = 0; n < 260; n += 1) api.fleet.episode(alpha, n, dead('download', 'gone'));
    expect(await skip({ dead: true })).toEqual({ matched: 260, skipped: 250, left: 10 });
    expect((await failure(skip({ feedId: 'alpha' }))).code).toBe(status.INVALID_ARGUMENT);
  });
});

describe('PrioritizeEpisodes', () => {
  test('puts the failed ones of a feed first, changes nothing when only asked, and takes names or filters', async () => {
    const waits = api.fleet.episode(alpha, 1, failed('download', 'HTTP 500', later));
    api.fleet.episode(alpha, 2);
    const asked = { episodeIds: [], feedId: 'alpha', failed: true, dead: false };
    const prioritize = (fields: Partial<PrioritizeEpisodesRequest>) =>
      ask(api.episodes.prioritizeEpisodes.bind(api.episodes), {
        ...{ ...asked, validateOnly: false, ...fields },
      });
    const prioritized = async () =>
      (await ask(api.feeds.getFeed.bind(api.feeds), { feedId: 'alpha' })).feed?.prioritized;
    expect(await prioritize({ validateOnly: true })).toEqual({ prioritized: 1, done: 0 });
    expect(await prioritized()).toEqual([]);
    expect(await prioritize({})).toEqual({ prioritized: 1, done: 0 });
    expect(await prioritized()).toEqual([waits]);
    const both = await failure(prioritize({ episodeIds: [waits] }));
    expect(both.code).toBe(status.INVALID_ARGUMENT);
  });

  test('puts open episodes first, and counts those of which nothing is left', async () => {
    const open = api.fleet.episode(alpha, 1);
    const ended = api.fleet.episode(alpha, 2, done('download'));
    api.fleet.episode(alpha, 2, done('transcribe'));
    const prioritize = api.episodes.prioritizeEpisodes.bind(api.episodes);
    const named = { episodeIds: [ended, open], feedId: '', failed: false, dead: false };
    const answer = await ask(prioritize, { ...named, validateOnly: false });
    expect(answer).toEqual({ prioritized: 1, done: 1 });
    const { feed } = await ask(api.feeds.getFeed.bind(api.feeds), { feedId: 'alpha' });
    expect(feed?.prioritized).toEqual([open]);
    const { episode } = await ask(api.episodes.getEpisode.bind(api.episodes), { episodeId: open });
    expect(episode?.prioritized).toBe(true);
  });
});

describe('ListEpisodes', () => {
  test('keeps to the states, failures and stage that are asked for', async () => {
    const gone = api.fleet.episode(alpha, 1, dead('download', 'gone'));
    const waits = api.fleet.episode(alpha, 2, failed('download', 'HTTP 500', later));
    const busy = { agent: 'a' as AgentId, session: 3 };
    const runs = api.fleet.episode(beta, 3, held('download', busy));
    const list = async (filter: Partial<EpisodeFilter>) => {
      const asked = { states: [], failed: false, stage: Stage.UNSPECIFIED, ...filter };
      const request = { ...all, feedId: '', filter: asked };
      const { episodes } = await ask(api.episodes.listEpisodes.bind(api.episodes), request);
      return episodes.map(({ episodeId }) => episodeId);
    };
    expect(await list({ states: [StageState.DEAD] })).toEqual([gone]);
    expect(await list({ failed: true })).toEqual([waits]);
    expect(await list({ states: [StageState.RUNNING], failed: true })).toEqual([waits, runs]);
    expect(await list({ states: [StageState.DEAD], stage: Stage.TRANSCRIBE })).toEqual([]);
    expect(await list({ states: [StageState.SKIPPED] })).toEqual([]);
    const off = api.fleet.episode(beta, 4, unwanted('download', 'canceled'));
    expect(await list({ states: [StageState.CANCELED] })).toEqual([off]);
    expect(await list({ states: [StageState.DEAD] })).toEqual([gone]);
    expect(await list({})).toHaveLength(4);
  });
});
