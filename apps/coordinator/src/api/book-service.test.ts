import type { BookMention } from '@podctl/domain/books/book-finder.ts';
import { renderBooks } from '@podctl/domain/books/book-list.ts';
import { FRESH_LOCK } from '@podctl/domain/episode-state.ts';
import type { EpisodeId, FeedId, Token } from '@podctl/domain/ids.ts';
import { acceptedFolder } from '@podctl/domain/library-path.ts';
import { BookScore_Source } from '@podctl/proto/podctl/v1/feed.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type ApiBundle,
  all,
  apiBundle,
  ask,
  cleanUp,
} from '../../../../test/support/api-bundle.ts';
import { done, type StageChange } from '../../../../test/support/stage-change.ts';

const alpha = 'alpha' as FeedId;
const beta = 'beta' as FeedId;
let api: ApiBundle;
beforeEach(async () => {
  api = await apiBundle();
  api.fleet.feed(alpha);
  api.fleet.feed(beta, { bookScore: 9 });
});
afterEach(cleanUp);

const named = (title: string | null, startSeconds = 61): BookMention => ({
  ...{ title, author: null, startSeconds, quote: `read ${title}`, confidence: 0.8 },
  recommended: true,
});

/** As it stands once its score is accepted. @param figure undefined: of a language that is not read. */
function scored(figure: number | undefined): StageChange {
  const manifest = { sha256: 'ab'.repeat(32), files: 1, bytes: 10, audioSeconds: 3_600 };
  const kept = figure === undefined ? manifest : { ...manifest, figure };
  return (state) => ({
    ...state,
    stages: {
      ...state.stages,
      score: {
        ...{ wanted: 1, requests: [], lock: FRESH_LOCK },
        done: { run: 1, token: 5 as Token, manifest: kept },
      },
    },
  });
}

async function episode(feed: FeedId, n: number, mentions: readonly BookMention[]) {
  api.fleet.episode(feed, n, done('download', 3_600));
  api.fleet.episode(feed, n, done('transcribe', 3_600));
  const id = api.fleet.episode(feed, n, scored(mentions.length));
  const list = { language: 'en', audioSeconds: 3_600, transcriptSha256: '' };
  const folder = acceptedFolder(feed, id, 'score', 1, 5 as Token);
  const talk = { mentions, weight: mentions.length };
  await api.put(`${folder}/books.json`, renderBooks({ ...list, talk }));
  return id;
}

const list = (asked: { feedId?: string; pageSize?: number; pageToken?: string } = {}) =>
  ask(api.books.listBookMentions.bind(api.books), {
    ...{ ...all, feedId: '', publishedSince: undefined },
    ...asked,
  });
const titles = async (asked = {}) => (await list(asked)).mentions.map(({ title }) => title);

test('every book of every episode, in order, page by page', async () => {
  const first = await episode(alpha, 1, [named('One'), named(null, 70), named('Two', 80)]);
  await episode(alpha, 2, []);
  await episode(beta, 1, [named('Three')]);
  expect((await titles()).toSorted()).toEqual(['One', 'Three', 'Two']);
  expect(await titles({ feedId: 'beta' })).toEqual(['Three']);
  const seen: string[] = [];
  let token = '';
  for (let pages = 0; pages < 4; pages += 1) {
    const { mentions, nextPageToken } = await list({ pageSize: 1, pageToken: token });
    seen.push(...mentions.map(({ title }) => title));
    token = nextPageToken;
    if (token === '') break;
  }
  expect(seen).toEqual(await titles());
  expect((await list({ feedId: 'alpha' })).mentions[0]).toMatchObject({
    ...{ feedId: 'alpha', episodeId: first, title: 'One', startSeconds: 61, quote: 'read One' },
    ...{ confidenceRatio: 0.8, recommended: true },
  });
});

test('what was published before is left out, and a list that cannot be read is counted', async () => {
  const old = await episode(alpha, 1, [named('Old')]);
  const lost = await episode(alpha, 2, [named('Lost')]);
  await episode(alpha, 3, [named('Undated')]);
  const meta = { title: 'T', guid: null, url: '', feedTitle: 'F' };
  api.fleet.metas.set(old as EpisodeId, { ...meta, publishedMs: 1_000 } as never);
  await api.put(`${acceptedFolder(alpha, lost, 'score', 1, 5 as Token)}/books.json`, 'no');
  const answer = await ask(api.books.listBookMentions.bind(api.books), {
    ...{ ...all, feedId: '', publishedSince: new Date(2_000) },
  });
  expect(answer.mentions.map(({ title }) => title)).toEqual(['Undated']);
  expect(answer.unread).toBe(1);
});

test('a feed tells its score and where it comes from; a user’s own wins', async () => {
  const get = async (feedId: string) =>
    (await ask(api.feeds.getFeed.bind(api.feeds), { feedId })).feed;
  expect(await get('alpha')).toMatchObject({
    feed: { bookScore: 3, bookScoreKnown: false },
    books: { source: BookScore_Source.DEFAULT, episodes: 0, mentionsPerHour: undefined },
  });
  for (let n = 0; n < 10; n += 1) {
    api.fleet.episode(alpha, n, scored(14));
    api.fleet.episode(beta, n, scored(n < 5 ? undefined : 0));
  }
  expect(await get('alpha')).toMatchObject({
    feed: { bookScore: 8, bookScoreKnown: true },
    books: { source: BookScore_Source.TRANSCRIPTS, episodes: 10, mentionsPerHour: 14 },
  });
  expect(await get('beta')).toMatchObject({
    feed: { bookScore: 9, bookScoreKnown: true },
    books: { source: BookScore_Source.USER, episodes: 5, fromTranscripts: 1.8 },
  });
});
