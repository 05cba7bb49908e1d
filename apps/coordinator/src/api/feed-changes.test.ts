import { status } from '@grpc/grpc-js';
import type { FeedId } from '@podctl/domain/ids.ts';
import { Stage } from '@podctl/proto/podctl/v1/episode.ts';
import {
  FeedPurge_State,
  FeedState,
  type UpdateFeedRequest,
} from '@podctl/proto/podctl/v1/feed.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type ApiBundle,
  all,
  apiBundle,
  ask,
  cleanUp,
  failure,
} from '../../../../test/support/api-bundle.ts';
import { dead, done } from '../../../../test/support/stage-change.ts';

const alpha = 'alpha' as FeedId;
const beta = 'beta' as FeedId;
let api: ApiBundle;

beforeEach(async () => {
  api = await apiBundle();
  api.fleet.feed(alpha, { nextPollMs: 60_000 });
  api.fleet.feed(beta);
});
afterEach(cleanUp);

const update = (feedId: string, fields: Partial<UpdateFeedRequest>) =>
  ask(api.feeds.updateFeed.bind(api.feeds), {
    ...{ setLabels: {}, removeLabels: [], validateOnly: false },
    ...fields,
    feedId,
  });
const get = (feedId: string) => ask(api.feeds.getFeed.bind(api.feeds), { feedId });
const remove = (feedId: string) => ask(api.feeds.removeFeed.bind(api.feeds), { feedId });
const list = (filter?: { labels?: Record<string, string>; states?: FeedState[] }) =>
  ask(api.feeds.listFeeds.bind(api.feeds), {
    ...all,
    ...(filter === undefined ? {} : { filter: { labels: {}, states: [], ...filter } }),
  });
const EVERY = { titleMatch: '', titleSkip: '', episodesMax: 0, seasons: [], episodeTypes: [] };
const ids = (feeds: readonly { feedId: string }[]) => feeds.map(({ feedId }) => feedId);

describe('UpdateFeed', () => {
  test('changes what is set, says what that is, and leaves the rest', async () => {
    const { changed } = await update('alpha', { priority: 4, setLabels: { topic: 'history' } });
    expect(changed).toEqual(['priority', 'labels']);
    expect((await update('alpha', { priority: 4 })).changed).toEqual([]);
    const { feed } = await get('alpha');
    expect(feed?.feed?.choices).toEqual({
      ...{ priority: 4, labels: { topic: 'history' } },
      ...{ model: '', language: '', prompt: '', hotwords: '', keepAudio: '', wanted: undefined },
    });
  });

  test('keeps which episodes are wanted and what the engine is told, and has the feed read anew', async () => {
    const wanted = {
      ...EVERY,
      titleSkip: '(?i)rerun',
      minDurationSeconds: 600,
      seasons: [2, 1, 2],
    };
    const asked = { wanted, prompt: 'Brontë', hotwords: 'Haworth' };
    expect((await update('alpha', asked)).changed.sort()).toEqual([
      'filter',
      'hotwords',
      'nextPoll',
      'prompt',
    ]);
    const choices = (await get('alpha')).feed?.feed?.choices;
    expect(choices).toMatchObject({ ...asked, wanted: { ...wanted, seasons: [1, 2] } });
    expect((await update('alpha', asked)).changed).toEqual([]);
    await update('alpha', { wanted: EVERY, prompt: '', hotwords: '' });
    const after = (await get('alpha')).feed?.feed?.choices;
    expect(after).toMatchObject({ wanted: undefined, prompt: '', hotwords: '' });
  });

  test.each([
    [{ titleMatch: '(a' }, 'titles to match'],
    [{ titleSkip: '(?=x)' }, 'titles to skip'],
    [{ titleMatch: 'x'.repeat(201) }, '201 characters'],
    [{ titleMatch: '((a|b|c|d|e|.){0,60}x){12}' }, 'too large'],
    [{ minDurationSeconds: -1 }, 'length'],
    [{ minDurationSeconds: 60, maxDurationSeconds: 30 }, 'larger maximum'],
    [{ episodesMax: 2_000_000 }, 'episodes_max'],
    [{ seasons: [1_000_000] }, 'seasons'],
    [{ episodeTypes: ['song'] }, 'episode type'],
  ])('refuses to want %j', async (some, word) => {
    const refused = failure(update('alpha', { wanted: { ...EVERY, ...some } }));
    expect((await refused).details).toContain(word);
  });

  test('pauses and resumes, and a list can ask for what is paused', async () => {
    await update('alpha', { paused: true });
    expect((await get('alpha')).feed?.feed).toMatchObject({
      ...{ state: FeedState.NEW, paused: true },
    });
    api.fleet.episode(alpha, 1);
    expect(ids((await list({ states: [FeedState.PAUSED] })).feeds)).toEqual(['alpha']);
    await update('alpha', { paused: false });
    expect((await list({ states: [FeedState.PAUSED] })).feeds).toEqual([]);
  });

  test('only says what would change when it is to validate', async () => {
    expect((await update('alpha', { paused: true, validateOnly: true })).changed).toEqual([
      'paused',
    ]);
    expect((await get('alpha')).feed?.feed?.state).not.toBe(FeedState.PAUSED);
  });

  test.each([
    [{ priority: 11 }, 'priority 11'],
    [{ bookScore: 0 }, 'book score 0'],
    [{ model: '../x' }, 'model'],
    [{ language: 'English' }, 'language'],
    [{ setLabels: { 'Topic!': 'x' } }, 'label'],
    [{ removeLabels: ['topic', 'x'.repeat(64)] }, 'label'],
    [{ removeLabels: Array.from({ length: 101 }, (_, i) => `l${i}`) }, '101 labels'],
  ])('refuses %j', async (fields, word) => {
    const error = await failure(update('alpha', fields));
    expect([error.code, error.details]).toEqual([
      status.INVALID_ARGUMENT,
      expect.stringContaining(word),
    ]);
  });

  test('knows no feed of another name, and says which may be meant', async () => {
    const error = await failure(update('alpa', { paused: true }));
    expect([error.code, error.details]).toEqual([
      status.NOT_FOUND,
      expect.stringContaining('did you mean "alpha"'),
    ]);
  });
});

describe('ListFeeds', () => {
  test('keeps to the labels that are asked for, all of them', async () => {
    await update('alpha', { setLabels: { topic: 'history', lang: 'en' } });
    await update('beta', { setLabels: { topic: 'history' } });
    expect(ids((await list({ labels: { topic: 'history' } })).feeds)).toEqual(['alpha', 'beta']);
    const both = { topic: 'history', lang: 'en' };
    expect(ids((await list({ labels: both })).feeds)).toEqual(['alpha']);
  });
});

describe('RemoveFeed', () => {
  test('hides the feed from lists, totals, and whoever asks for it', async () => {
    api.fleet.episode(alpha, 1, dead('download', 'gone'));
    await remove('alpha');
    expect(ids((await list()).feeds)).toEqual(['beta']);
    expect((await failure(get('alpha'))).code).toBe(status.NOT_FOUND);
    expect(await remove('alpha')).toMatchObject({ jobsTakenBack: 0 });
    expect((await failure(remove('gamma'))).code).toBe(status.NOT_FOUND);
    const { overview } = await ask(api.fleets.getOverview.bind(api.fleets), { minRevision: 0n });
    expect(overview).toMatchObject({ feeds: 1, episodes: 0, dead: 0 });
    const { episodes } = await ask(api.episodes.listEpisodes.bind(api.episodes), {
      ...all,
      feedId: '',
    });
    expect(episodes).toEqual([]);
  });

  test('with a purge says how far that is, also of a feed that was removed before', async () => {
    const look = () =>
      ask(api.feeds.getFeed.bind(api.feeds), { feedId: 'alpha', forRemoval: true });
    const purge = () => ask(api.feeds.removeFeed.bind(api.feeds), { feedId: 'alpha', purge: true });
    expect((await look()).purge).toEqual({ results: 0n, files: 0n, bytes: 0n });
    expect((await remove('alpha')).purge).toBeUndefined();
    expect((await look()).purge?.state).toBeUndefined();
    const wanted = { state: FeedPurge_State.WANTED, results: 2n, files: 5n };
    expect((await purge()).purge).toMatchObject({ ...wanted, since: new Date(0) });
    expect((await look()).purge).toMatchObject(wanted);
    expect((await failure(get('alpha'))).code).toBe(status.NOT_FOUND);
  });
});

describe('GetFeed and RefreshFeed', () => {
  test('show when it is read next, and have it read now', async () => {
    expect((await get('alpha')).feed?.nextPollAt).toEqual(new Date(60_000));
    await ask(api.feeds.refreshFeed.bind(api.feeds), { feedId: 'alpha' });
    expect((await get('alpha')).feed?.nextPollAt).toBeUndefined();
  });

  test('count its jobs by stage', async () => {
    api.fleet.episode(alpha, 1, done('download', 60));
    api.fleet.episode(alpha, 2, dead('download', 'gone'));
    expect((await get('alpha')).feed?.stages).toEqual([
      { stage: Stage.DOWNLOAD, waiting: 0, running: 0, done: 1, dead: 1 },
      { stage: Stage.TRANSCRIBE, waiting: 1, running: 0, done: 0, dead: 0 },
      { stage: Stage.SCORE, waiting: 1, running: 0, done: 0, dead: 0 },
    ]);
  });
});
