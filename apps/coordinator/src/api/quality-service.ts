import { err, ok, type Result } from '@podctl/domain/result.ts';
import {
  type ListPoorEpisodesRequest,
  type ListPoorEpisodesResponse,
  type ListQualityRequest,
  type ListQualityResponse,
  type PoorEpisode,
  QualityGroup,
  type QualityRow,
  type QualityServiceServer,
  QualityServiceService,
} from '@podctl/proto/podctl/v1/quality.ts';
import {
  countQuality,
  noQualities,
  type QualityCounts,
  qualityFigures,
} from '../core/quality-counts.ts';
import type { FeedRow } from '../core/snapshot.ts';
import type { Fleet } from '../shell/fleet.ts';
import { feedsAsked } from './feeds-asked.ts';
import type { Handlers } from './handler.ts';
import {
  type JudgedTranscript,
  judgedTranscript,
  newestTranscripts,
  poorestEpisodes,
  READ_MAX,
} from './judged-transcripts.ts';
import { pageOf, takePage } from './page.ts';
import { figuresMessage, POOR_BELOW, qualityMessage } from './quality-map.ts';
import type { Failure } from './status.ts';

export const qualityServiceDefinition = QualityServiceService;

const POOR_DEFAULT = 20;
const POOR_MAX = 100;

export function qualityService(fleet: Fleet, handlers: Handlers): QualityServiceServer {
  return {
    listQuality: handlers.unary('ListQuality', (request) => listQuality(fleet, request)),
    listPoorEpisodes: handlers.unary('ListPoorEpisodes', (request) => listPoor(fleet, request)),
  };
}

async function listQuality(
  fleet: Fleet,
  request: ListQualityRequest,
): Promise<Result<ListQualityResponse, Failure>> {
  const page = pageOf(request);
  if (!page.ok) return page;
  const below = belowOf(request);
  if (!below.ok) return below;
  const feeds = feedsAsked(fleet.picture().snapshot, request.feedId);
  if (!feeds.ok) return feeds;
  const { counts, isCut } = await countsFor(fleet, feeds.value, request);
  const rows = [...counts]
    .flatMap(([name, one]): QualityRow[] => {
      const figures = figuresMessage(one, below.value);
      return figures === undefined ? [] : [{ name, figures }];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  // Names of models are no keys of pages; there are few of them, and of agents.
  const isByFeed = groupOf(request) === QualityGroup.FEED;
  const { items, nextPageToken } = isByFeed
    ? takePage(rows, ({ name }) => name, page.value)
    : { items: rows.slice(0, page.value.size), nextPageToken: '' };
  return ok({ rows: items, nextPageToken, newestOnly: isCut ? READ_MAX : 0 });
}

/** By feed, of all times, it is known without a read. */
async function countsFor(fleet: Fleet, feeds: readonly FeedRow[], request: ListQualityRequest) {
  const group = groupOf(request);
  const { since } = request;
  if (group === QualityGroup.FEED && since === undefined)
    return {
      counts: new Map<string, QualityCounts>(feeds.map(({ id, quality }) => [id, quality])),
      isCut: false,
    };
  const { found, isCut } = await newestTranscripts(fleet.library, feeds);
  const counts = new Map<string, QualityCounts>();
  for (const transcript of found) {
    if (transcript.quality === null || !isSince(transcript, since)) continue;
    const name = nameIn(group, transcript);
    const one = counts.get(name) ?? noQualities();
    countQuality(one, transcript.quality, 1);
    counts.set(name, one);
  }
  return { counts, isCut };
}

function nameIn(group: QualityGroup, { row, agent, details }: JudgedTranscript): string {
  if (group === QualityGroup.AGENT) return agent;
  return group === QualityGroup.MODEL ? String(details.model ?? '') : row.feed;
}

async function listPoor(
  fleet: Fleet,
  request: ListPoorEpisodesRequest,
): Promise<Result<ListPoorEpisodesResponse, Failure>> {
  const below = belowOf(request);
  if (!below.ok) return below;
  if (request.pageSize > POOR_MAX)
    return err({
      kind: 'invalid',
      field: 'page_size',
      message: `page_size is ${request.pageSize}`,
      hint: `give 1 to ${POOR_MAX}, or 0 for ${POOR_DEFAULT}`,
    });
  const feeds = feedsAsked(fleet.picture().snapshot, request.feedId);
  if (!feeds.ok) return feeds;
  const count = request.pageSize === 0 ? POOR_DEFAULT : request.pageSize;
  const found = await poorFor(fleet, feeds.value, request, below.value, count);
  return ok({ episodes: await Promise.all(found.map((one) => poorMessage(fleet, one))) });
}

async function poorFor(
  fleet: Fleet,
  feeds: readonly FeedRow[],
  { since }: ListPoorEpisodesRequest,
  below: number,
  count: number,
): Promise<readonly JudgedTranscript[]> {
  if (since !== undefined) {
    const { found } = await newestTranscripts(fleet.library, feeds);
    return found
      .filter((one) => (one.quality ?? 1) < below && isSince(one, since))
      .sort((a, b) => (a.quality ?? 1) - (b.quality ?? 1))
      .slice(0, count);
  }
  const worstOf = ({ quality }: FeedRow) => qualityFigures(quality, below)?.worst ?? null;
  const poorest = await poorestEpisodes(feeds, worstOf, below, count);
  return Promise.all(
    poorest.map(async ({ row, quality }) => {
      const bare = { row, quality, agent: '', details: {}, finishedAtMs: null };
      return (await judgedTranscript(fleet.library, row, row.state)) ?? bare;
    }),
  );
}

async function poorMessage(fleet: Fleet, transcript: JudgedTranscript): Promise<PoorEpisode> {
  const { feed, episode } = transcript.row;
  const meta = await fleet.meta(feed, episode);
  const quality = qualityMessage(transcript);
  return { episodeId: episode, feedId: feed, title: meta?.title ?? '', quality };
}

function isSince({ finishedAtMs }: JudgedTranscript, since: Date | undefined): boolean {
  return since === undefined || (finishedAtMs !== null && finishedAtMs >= since.getTime());
}

function groupOf({ groupBy }: ListQualityRequest): QualityGroup {
  const isOther = groupBy === QualityGroup.MODEL || groupBy === QualityGroup.AGENT;
  return isOther ? groupBy : QualityGroup.FEED;
}

function belowOf({ belowRatio }: { readonly belowRatio: number }): Result<number, Failure> {
  if (belowRatio >= 0 && belowRatio <= 1) return ok(belowRatio === 0 ? POOR_BELOW : belowRatio);
  return err({
    kind: 'invalid',
    field: 'below_ratio',
    message: `below_ratio is ${belowRatio}`,
    hint: `give more than 0 and up to 1, or 0 for ${POOR_BELOW}`,
  });
}
