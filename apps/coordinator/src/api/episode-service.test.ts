import { status } from '@grpc/grpc-js';
import { NO_FACTS } from '@podctl/domain/feed/fact-marks.ts';
import { encodeChunk } from '@podctl/domain/feed/ledger-entry.ts';
import type { AgentId, EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { isToken } from '@podctl/domain/ids.ts';
import { ledgerKey } from '@podctl/domain/key.ts';
import { invariant } from '@podctl/domain/result.ts';
import { Stage, StageState } from '@podctl/proto/podctl/v1/episode.ts';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type ApiBundle,
  all,
  apiBundle,
  ask,
  cleanUp,
  failure,
} from '../../../../test/support/api-bundle.ts';
import { episodeOf } from '../../../../test/support/hand-built-fleet.ts';
import { done, failed, held } from '../../../../test/support/stage-change.ts';
import { lockId } from '../core/snapshot.ts';

const alpha = 'alpha' as FeedId;
const beta = 'beta' as FeedId;
const gpu = 'gpu-1' as AgentId;

const listEpisodes = (api: ApiBundle) => api.episodes.listEpisodes.bind(api.episodes);
const getEpisode = (api: ApiBundle) => api.episodes.getEpisode.bind(api.episodes);

afterEach(cleanUp);

describe('ListEpisodes', () => {
  test('goes through the feeds in order, page by page, and shows the stages', async () => {
    const api = await apiBundle();
    const feeds = ['a', 'a-b', 'ab'] as FeedId[];
    const ids = feeds.flatMap((feed) => {
      api.fleet.feed(feed);
      return [1, 2, 3, 4].map((n) => `${feed} ${api.fleet.episode(feed, n)}`);
    });
    const seen: string[] = [];
    for (let pageToken = ''; ; ) {
      const page = await ask(listEpisodes(api), { feedId: '', pageSize: 5, pageToken });
      seen.push(...page.episodes.map(({ feedId, episodeId }) => `${feedId} ${episodeId}`));
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    expect(seen).toEqual(ids.sort());
  });

  test('shows one feed alone, NOT_FOUND for one that nobody added, INVALID_ARGUMENT for what is no id', async () => {
    const api = await apiBundle();
    api.fleet.feed(alpha);
    api.fleet.feed(beta);
    api.fleet.episode(alpha, 1, failed('download', 'HTTP 500', 60_000));
    api.fleet.episode(beta, 1);
    const { episodes } = await ask(listEpisodes(api), { ...all, feedId: 'alpha' });
    expect(episodes).toHaveLength(1);
    expect(episodes[0]).toMatchObject({ feedId: 'alpha', title: '', url: '' });
    expect(episodes[0]?.stages).toMatchObject([
      {
        stage: Stage.DOWNLOAD,
        state: StageState.WAITING,
        attempts: 2,
        reason: 'HTTP 500',
        notBefore: new Date(60_000),
      },
      { stage: Stage.TRANSCRIBE, state: StageState.WAITING, notBefore: undefined },
      { stage: Stage.SCORE, state: StageState.WAITING, notBefore: undefined },
    ]);
    const unknown = await failure(ask(listEpisodes(api), { ...all, feedId: 'gamma' }));
    expect([unknown.code, unknown.details]).toEqual([
      status.NOT_FOUND,
      'no feed has the id "gamma": "podctl feed list" shows them',
    ]);
    const odd = await failure(ask(listEpisodes(api), { ...all, feedId: 'Gamma!' }));
    expect(odd.code).toBe(status.INVALID_ARGUMENT);
  });

  test('gives titles and days where they are asked for, each with its episode, and none of what nothing is known of', async () => {
    const api = await apiBundle();
    api.fleet.feed(alpha);
    for (const n of [1, 2, 3]) {
      const id = api.fleet.episode(alpha, n);
      const known = {
        feedTitle: 'The alpha',
        guid: 'g',
        key: 'g',
        url: 'https://cdn.example/1.mp3',
      };
      const said = {
        title: `Of ${id}`,
        publishedMs: n * 86_400_000,
        durationSecondsEstimate: null,
      };
      if (n < 3) api.fleet.metas.set(id, { ...known, ...said });
    }
    const { episodes } = await ask(listEpisodes(api), { ...all, feedId: '', withTitles: true });
    const titles = episodes.map(({ episodeId, title }) => title === `Of ${episodeId}`);
    expect(titles.filter(Boolean)).toHaveLength(2);
    expect(episodes.map(({ title }) => title)).toContain('');
    expect(episodes.filter(({ publishedAt }) => publishedAt !== undefined)).toHaveLength(2);
    expect(episodes.every(({ url }) => url === '')).toBe(true);
  });
});

describe('GetEpisode', () => {
  test('finds an episode by the beginning of its id and shows title, URL, files and readable names', async () => {
    const api = await apiBundle();
    api.fleet.feed(alpha);
    const id = api.fleet.episode(alpha, 1, done('download', 90.5));
    api.fleet.metas.set(id, {
      feedTitle: 'The alpha',
      title: 'One: a beginning',
      guid: 'g',
      key: 'g',
      url: 'https://u:p@cdn.example/1.mp3?sig=secret',
      publishedMs: Date.UTC(2020, 4, 6),
      durationSecondsEstimate: null,
    });
    const folder = `episodes/alpha/${id}/download/r1-5`;
    api.fleet.files.set(lockId(alpha, id, 'download'), [
      { path: `${folder}/audio.mp3`, readablePath: 'podcasts/one.mp3', sizeBytes: 7, sha256: 'ab' },
      {
        path: `${folder}/metadata.json`,
        readablePath: 'podcasts/one.info.json',
        sizeBytes: 8,
        sha256: 'cd',
      },
    ]);
    const { episode } = await ask(getEpisode(api), { episodeId: id.slice(0, 4).toUpperCase() });
    expect(episode).toMatchObject({
      episodeId: id,
      title: 'One: a beginning',
      url: 'https://cdn.example/1.mp3',
      publishedAt: new Date(Date.UTC(2020, 4, 6)),
      audioSeconds: 90.5,
      readablePaths: ['podcasts/one.mp3', 'podcasts/one.info.json'],
    });
    expect(episode?.stages[0]).toMatchObject({
      state: StageState.DONE,
      files: [{ path: `${folder}/audio.mp3`, sizeBytes: 7n, sha256: 'ab' }, { sizeBytes: 8n }],
    });
  });

  test('tells since when its feed lists it no more', async () => {
    const api = await apiBundle();
    const counts = { known: 2, listed: 1, vanished: 1, replaced: 0, audioChanged: 0, filtered: 0 };
    api.fleet.feed(alpha, { ledger: { ...counts, digest: '', filter: '' } });
    const [gone, there] = [api.fleet.episode(alpha, 1), api.fleet.episode(alpha, 2)];
    const marks = { url: '', path: '', title: '', dateS: null, lengthBytes: null, aliases: [] };
    const flags = { moves: 0, isRewritten: false, audioChanges: 0, isFiltered: false };
    const entry = {
      ...NO_FACTS,
      ...marks,
      ...flags,
      durationSeconds: null,
      origin: 'guid' as const,
    };
    const entries = [
      { ...entry, episode: gone, vanishedS: 7 },
      { ...entry, episode: there, vanishedS: null },
    ];
    api.fleet.values.set(`meta ${ledgerKey(alpha, 0)}`, encodeChunk(entries));
    const vanishedAt = async (episodeId: string) =>
      (await ask(getEpisode(api), { episodeId })).episode?.vanishedAt;
    expect(await vanishedAt(gone)).toEqual(new Date(7_000));
    expect(await vanishedAt(there)).toBeUndefined();
  });

  test('shows who holds a stage, and how far it is', async () => {
    const api = await apiBundle();
    api.fleet.feed(alpha);
    const session = api.fleet.agent(gpu);
    const id = api.fleet.episode(alpha, 1, held('download', { agent: gpu, session, token: 6 }));
    const token = 6;
    invariant(isToken(token), 'a token');
    api.fleet.progress.report(
      {
        feed: alpha,
        episode: id,
        stage: 'download',
        run: 1,
        token,
        phase: 'running',
        progress: 0.5,
      },
      0,
    );
    const { episode } = await ask(getEpisode(api), { episodeId: id });
    expect(episode?.stages[0]).toMatchObject({
      state: StageState.RUNNING,
      agentId: 'gpu-1',
      token: 6n,
      progressRatio: 0.5,
    });
  });

  test('says which ids begin alike, that none does, and that three characters are too few', async () => {
    const api = await apiBundle();
    api.fleet.feed(alpha);
    const twins = firstTwins();
    for (const n of twins) api.fleet.episode(alpha, n);
    const [a, b] = twins.map((n) => episodeOf(alpha, n)) as [EpisodeId, EpisodeId];
    const several = await failure(ask(getEpisode(api), { episodeId: a.slice(0, 4) }));
    expect(several.code).toBe(status.INVALID_ARGUMENT);
    expect(several.details).toContain(a);
    expect(several.details).toContain(b);
    const { episode } = await ask(getEpisode(api), { episodeId: a });
    expect(episode?.episodeId).toBe(a);
    const none = await failure(ask(getEpisode(api), { episodeId: 'zzzzz' }));
    expect([none.code, none.details]).toEqual([
      status.NOT_FOUND,
      'no episode\'s id begins with "zzzzz": "podctl episode list" shows them',
    ]);
    for (const episodeId of ['abc', '', 'has spaces', '\ud800broken'])
      expect((await failure(ask(getEpisode(api), { episodeId }))).code).toBe(
        status.INVALID_ARGUMENT,
      );
  });

  /** Numbers of two episodes whose ids have the same first four characters. */
  function firstTwins(): [number, number] {
    const seen = new Map<string, number>();
    for (let n = 0; n < 100_000; n++) {
      const head = episodeOf(alpha, n).slice(0, 4);
      const before = seen.get(head);
      if (before !== undefined) return [before, n];
      seen.set(head, n);
    }
    throw new Error('no twins');
  }
});
