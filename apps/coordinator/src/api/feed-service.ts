import { normalizeFeedUrl } from '@podctl/domain/feed/url.ts';
import { hasLabels } from '@podctl/domain/feed-choices.ts';
import { feedId } from '@podctl/domain/ids.ts';
import { parseKeepAudio } from '@podctl/domain/keep-audio.ts';
import type { AddedFeed, FeedToAdd } from '@podctl/domain/order.ts';
import { err, invariant, ok, type Result } from '@podctl/domain/result.ts';
import {
  type AddFeedsRequest,
  type AddFeedsResponse,
  type FeedChoices,
  type FeedServiceServer,
  FeedServiceService,
  type ListFeedsRequest,
  type ListFeedsResponse,
  type NewFeed,
} from '@podctl/proto/podctl/v1/feed.ts';
import { wantedFeeds } from '../core/snapshot.ts';
import { type FeedView, feedView, type Picture } from '../core/view.ts';
import type { Fleet } from '../shell/fleet.ts';
import { getFeed, refreshFeed, removeFeed, updateFeed } from './feed-changes.ts';
import { choiceProblem } from './feed-choices-check.ts';
import { addedFeedMessage, feedMessage, feedStateOf } from './feed-map.ts';
import { revealFeedUrls } from './feed-urls.ts';
import type { Handlers } from './handler.ts';
import { pageOf, takePage } from './page.ts';
import type { Failure } from './status.ts';
import { filterOf, wordsProblem } from './wanted-map.ts';

const FEEDS_PER_CALL_MAX = 10_000;
const NO_TEXTS = { model: '', language: '', prompt: '', hotwords: '', keepAudio: '' };
const NONE = { priority: 0, labels: {}, ...NO_TEXTS };
const TITLE_LENGTH_MAX = 400;

export const feedServiceDefinition = FeedServiceService;

export function feedService(fleet: Fleet, handlers: Handlers): FeedServiceServer {
  return {
    addFeeds: handlers.unary('AddFeeds', (request) => addFeeds(fleet, request)),
    listFeeds: handlers.unary('ListFeeds', async (request) => listFeeds(fleet, request)),
    getFeed: handlers.unary('GetFeed', async (request) => getFeed(fleet, request)),
    updateFeed: handlers.unary('UpdateFeed', (request) => updateFeed(fleet, request)),
    removeFeed: handlers.unary('RemoveFeed', (request) => removeFeed(fleet, request)),
    refreshFeed: handlers.unary('RefreshFeed', (request) => refreshFeed(fleet, request)),
    revealFeedUrls: handlers.unary('RevealFeedUrls', async (request) =>
      revealFeedUrls(fleet, request),
    ),
  };
}

/** One bad entry does not keep the others out: it is refused in its place. */
async function addFeeds(
  fleet: Fleet,
  { feeds, validateOnly }: AddFeedsRequest,
): Promise<Result<AddFeedsResponse, Failure>> {
  if (feeds.length === 0 || feeds.length > FEEDS_PER_CALL_MAX)
    return err({
      kind: 'invalid',
      field: 'feeds',
      message: `${feeds.length} feeds were given`,
      hint: `give 1 to ${FEEDS_PER_CALL_MAX} a call`,
    });
  const checked = feeds.map(checkedFeed);
  const good = checked.flatMap((check) => (check.ok ? [check.value] : []));
  const asked = () =>
    validateOnly === true ? fleet.orders.tryFeeds(good) : fleet.orders.addFeeds(good);
  const answers = good.length === 0 ? [] : await asked();
  invariant(answers.length === good.length, 'each feed to add has its answer');
  const rest = answers.values();
  const added = checked.map((check) => (check.ok ? rest.next().value : check.error));
  const told = added.filter((entry) => entry !== undefined);
  const revisions = told.map((entry) => (entry.kind === 'refused' ? 0 : entry.revision));
  const revision = revisions.reduce((a, b) => Math.max(a, b), 0);
  return ok({
    feeds: told.map(addedFeedMessage),
    revision: BigInt(revision === 0 ? fleet.picture().snapshot.revision : revision),
  });
}

function checkedFeed(feed: NewFeed): Result<FeedToAdd, Extract<AddedFeed, { kind: 'refused' }>> {
  const refused = (problem: string) => err({ kind: 'refused', url: feed.url, problem } as const);
  const url = normalizeFeedUrl(feed.url);
  if (!url.ok) return refused(url.error);
  const chosen = checkedChoices(feed);
  if (!chosen.ok) return refused(chosen.error);
  if (feed.title.length > TITLE_LENGTH_MAX)
    return refused(
      `the title has ${feed.title.length} characters: give ${TITLE_LENGTH_MAX} at most`,
    );
  const id = feed.feedId === '' ? null : feedId(feed.feedId);
  // Its own words would quote what was sent.
  if (id !== null && !id.ok)
    return refused('feed_id is no feed id: give 1 to 48 of a-z, 0-9 and inner hyphens');
  const title = feed.title.trim();
  return ok({
    url: url.value,
    title: title === '' ? null : title,
    bookScore: feed.bookScore ?? null,
    id: id === null ? null : id.value,
    ...(feed.paused === true ? { paused: true } : {}),
    ...chosen.value,
  });
}

/** The first thing that is wrong with it, in one sentence. */
function checkedChoices(feed: NewFeed) {
  const choices: FeedChoices = feed.choices ?? NONE;
  const { priority, labels, model, language } = choices;
  const problem =
    choiceProblem({ ...feed, priority, labels, model, language }) ?? wordsProblem(choices);
  if (problem !== null) return err(problem.problem);
  const filter = choices.wanted === undefined ? ok(null) : filterOf(choices.wanted);
  if (!filter.ok) return err(filter.error.problem);
  return ok({ ...given(choices), ...(filter.value === null ? {} : { filter: filter.value }) });
}

/** What is chosen: what is left empty is not. */
function given({ priority, labels, model, language, prompt, hotwords, keepAudio }: FeedChoices) {
  const keep = parseKeepAudio(keepAudio);
  return {
    ...(keep === null ? {} : { keepAudio: keep }),
    ...(priority === 0 ? {} : { priority }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(model === '' ? {} : { model }),
    ...(language === '' ? {} : { language }),
    ...(prompt === '' ? {} : { prompt }),
    ...(hotwords === '' ? {} : { hotwords }),
  };
}

function listFeeds(fleet: Fleet, request: ListFeedsRequest): Result<ListFeedsResponse, Failure> {
  const page = pageOf(request);
  if (!page.ok) return page;
  const { labels = {}, states: asked = [] } = request.filter ?? {};
  const states = asked.map(feedStateOf);
  const holds = ({ state, choices }: FeedView) =>
    (states.length === 0 || states.includes(state)) && hasLabels(choices.labels, labels);
  const views = feedsFrom(fleet.picture(), page.value.after, holds);
  const { items, nextPageToken } = takePage(views, ({ id }) => id, page.value);
  return ok({ feeds: items.map(feedMessage), nextPageToken });
}

/** In order of their ids; none that the page has passed is worked out. */
function* feedsFrom(
  picture: Picture,
  after: string,
  holds: (view: FeedView) => boolean,
): Generator<FeedView> {
  const rows = wantedFeeds(picture.snapshot).sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const row of rows) {
    if (row.id <= after) continue;
    const view = feedView(picture, row);
    if (holds(view)) yield view;
  }
}
