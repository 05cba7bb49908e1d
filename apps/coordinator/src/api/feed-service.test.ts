import { status } from '@grpc/grpc-js';
import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import { BusError } from '@podctl/platform/bus.ts';
import { AddedFeed_Outcome, FeedState } from '@podctl/proto/podctl/v1/feed.ts';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type ApiBundle,
  all,
  apiBundle,
  ask,
  cleanUp,
  failure,
} from '../../../../test/support/api-bundle.ts';
import { dead, done, failed, held } from '../../../../test/support/stage-change.ts';

const alpha = 'alpha' as FeedId;
const beta = 'beta' as FeedId;
const gpu = 'gpu-1' as AgentId;

const listFeeds = (api: ApiBundle) => api.feeds.listFeeds.bind(api.feeds);
const addFeeds = (api: ApiBundle) => api.feeds.addFeeds.bind(api.feeds);

afterEach(cleanUp);

describe('ListFeeds', () => {
  test('shows a feed with its counts and without its secrets', async () => {
    const api = await apiBundle();
    api.fleet.feed(alpha, { bookScore: 8, lastSuccessMs: 1_000 });
    api.fleet.episode(alpha, 1, done('download', 90));
    api.fleet.episode(alpha, 1, done('transcribe'));
    api.fleet.episode(alpha, 2, dead('download', 'gone'));
    api.fleet.episode(alpha, 3, held('download', { agent: gpu, session: 9 }));
    api.fleet.episode(alpha, 4, failed('download', 'HTTP 500', 0));
    const { feeds } = await ask(listFeeds(api), all);
    expect(feeds).toEqual([
      {
        feedId: 'alpha',
        url: 'https://pods.example/alpha.xml',
        title: 'The alpha',
        state: FeedState.ACTIVE,
        episodes: 4,
        downloaded: 1,
        transcribed: 1,
        dead: 1,
        downloadWorkers: 1,
        transcribeWorkers: 0,
        bookScore: 8,
        bookScoreKnown: true,
        stalledSince: undefined,
        lastSuccessAt: new Date(1_000),
        problem: '',
        audioSecondsTranscribed: 90,
        retrying: 1,
        audioSecondsLeft: 180,
        speedRatio: undefined,
        etaSeconds: undefined,
        choices: {
          ...{ priority: 0, labels: {}, model: '', language: '', prompt: '', hotwords: '' },
          ...{ keepAudio: '', wanted: undefined },
        },
        urlIsPrivate: true,
        skipped: 0,
        paused: false,
      },
    ]);
  });

  test('pages through 2,500 feeds in order, each once', async () => {
    const api = await apiBundle();
    const ids = Array.from({ length: 2_500 }, (_, n) => `feed-${(n * 7) % 2_500}`);
    for (const id of ids) api.fleet.feed(id as FeedId);
    const seen: string[] = [];
    const sizes: number[] = [];
    for (let pageToken = ''; ; ) {
      const page = await ask(listFeeds(api), { pageSize: 1_000, pageToken });
      seen.push(...page.feeds.map(({ feedId }) => feedId));
      sizes.push(page.feeds.length);
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    expect(sizes).toEqual([1_000, 1_000, 500]);
    expect(seen).toEqual([...ids].sort());
  });

  test('refuses a page that is too large and a token that it did not give', async () => {
    const api = await apiBundle();
    const large = await failure(ask(listFeeds(api), { pageSize: 5_000, pageToken: '' }));
    expect([large.code, large.details]).toEqual([
      status.INVALID_ARGUMENT,
      'page_size is 5000: give 1 to 1000, or 0 for 1000',
    ]);
    const odd = await failure(ask(listFeeds(api), { pageSize: 0, pageToken: '!' }));
    expect(odd.code).toBe(status.INVALID_ARGUMENT);
  });
});

describe('AddFeeds', () => {
  const feed = (url: string, rest: { title?: string; bookScore?: number; feedId?: string } = {}) =>
    ({ url, title: '', feedId: '', ...rest }) as const;

  test('answers each feed in its place, and one bad entry keeps no other out', async () => {
    const api = await apiBundle();
    api.fleet.feed(beta);
    const { feeds, revision } = await ask(addFeeds(api), {
      feeds: [
        feed('https://u:p@pods.example/a.xml?key=s', { bookScore: 7, feedId: 'alpha' }),
        feed('ftp://pods.example/b.xml'),
        feed('https://pods.example/c.xml', { bookScore: 11 }),
        feed('https://pods.example/d.xml', { feedId: 'No Id' }),
        feed('https://pods.example/e.xml', { title: 'x'.repeat(401) }),
        feed('https://pods.example/f.xml', { feedId: 'beta' }),
      ],
    });
    expect(feeds.map(({ outcome }) => outcome)).toEqual([
      AddedFeed_Outcome.ADDED,
      AddedFeed_Outcome.REFUSED,
      AddedFeed_Outcome.REFUSED,
      AddedFeed_Outcome.REFUSED,
      AddedFeed_Outcome.REFUSED,
      AddedFeed_Outcome.MOVED,
    ]);
    expect(feeds[0]).toMatchObject({ feedId: 'alpha', url: 'https://pods.example/a.xml' });
    expect(feeds[2]?.problem).toContain('11');
    expect(feeds[3]?.problem).toMatch(/^feed_id is no feed id: give /);
    expect(revision).toBe(BigInt(api.fleet.snapshot.revision));
    expect(api.fleet.asked.map(({ url, bookScore }) => [url, bookScore])).toEqual([
      ['https://u:p@pods.example/a.xml?key=s', 7],
      ['https://pods.example/f.xml', null],
    ]);
  });

  test('passes on that a feed begins paused', async () => {
    const api = await apiBundle();
    const url = 'https://pods.example/a.xml';
    await ask(addFeeds(api), { feeds: [{ ...feed(url), paused: true }, feed(`${url}?b`)] });
    expect(api.fleet.asked.map(({ paused }) => paused)).toEqual([true, undefined]);
  });

  test('takes 10,000 feeds a call, and refuses none and more', async () => {
    const api = await apiBundle();
    const many = Array.from({ length: 10_001 }, (_, n) =>
      feed(`https://pods.example/${'x'.repeat(200)}/${n}.xml`, { feedId: `f-${n}` }),
    );
    const { feeds } = await ask(addFeeds(api), { feeds: many.slice(1) });
    expect(feeds).toHaveLength(10_000);
    for (const wrong of [[], many]) {
      const error = await failure(ask(addFeeds(api), { feeds: wrong }));
      expect(error.code).toBe(status.INVALID_ARGUMENT);
    }
  });

  test('says UNAVAILABLE when no leader answers, and INTERNAL without details when there is a bug', async () => {
    const api = await apiBundle();
    const request = { feeds: [feed('https://pods.example/a.xml')] };
    api.fleet.addFailure = new BusError('nobody', 'api.addFeeds');
    const nobody = await failure(ask(addFeeds(api), request));
    expect([nobody.code, nobody.details]).toEqual([
      status.UNAVAILABLE,
      'no coordinator leads now: try again in a few seconds; if it lasts, "podctl status" says why',
    ]);
    api.fleet.addFailure = new Error('the password is hunter2');
    const bug = await failure(ask(addFeeds(api), request));
    expect(bug.code).toBe(status.INTERNAL);
    expect(bug.details).not.toContain('hunter2');
    expect(api.bugs).toEqual([api.fleet.addFailure]);
    expect(api.calls).toEqual(['AddFeeds UNAVAILABLE', 'AddFeeds INTERNAL']);
  });
});
