import { episodesLeft, type FeedView } from '../../views/feed-map.ts';
import type { WatchPicture } from '../../watch/watch-picture.ts';
import { eventLine } from '../event-line.ts';
import { ageWords, percentWords } from '../words.ts';
import { audioWords, bar, etaWords, grouped, speedWords } from './figure-words.ts';
import type { Tone } from './line.ts';
import { left, right, type ViewTable } from './view-table.ts';

/** A feed and the agents that work on it. */
export interface FeedRow {
  readonly feed: FeedView;
  readonly agents: readonly string[];
}

const NOBODY: readonly string[] = [];
const DETAIL_EVENTS_MAX = 5;
const DETAIL_JOBS_MAX = 5;

export const feedTable: ViewTable<FeedRow> = {
  source: ({ state }) => [state.feeds, state.agents],
  rows: ({ state }, before) => feedRows(state, before),
  id: ({ feed }) => feed.feedId,
  words: ({ feed }) => `${feed.feedId} ${feed.title} ${stateWords(feed, 0)}`,
  hasProblem: ({ feed }) => toneOf(feed) === 'bad' || toneOf(feed) === 'warn',
  sorts: [
    { name: 'need', by: ({ feed }) => needRank(feed), descending: false },
    { name: 'feed', by: ({ feed }) => feed.feedId, descending: false },
    { name: 'left', by: ({ feed }) => episodesLeft(feed), descending: true },
    { name: 'dl', by: ({ feed }) => feed.downloadedRatio, descending: true },
    { name: 'tx', by: ({ feed }) => feed.transcribedRatio, descending: true },
    {
      name: 'wrk',
      by: ({ feed }) => feed.downloadWorkers + feed.transcribeWorkers,
      descending: true,
    },
    { name: 'books', by: ({ feed }) => feed.bookScore, descending: true },
    { name: 'eta', by: ({ feed }) => feed.etaSeconds ?? Number.MAX_VALUE, descending: false },
    { name: 'xrt', by: ({ feed }) => feed.speedRatio ?? -1, descending: true },
    { name: 'err', by: ({ feed }) => feed.dead + feed.retrying, descending: true },
  ],
  columns: [
    left('FEED', 16, 0, ({ feed }) => feed.feedId, { widthMax: 48 }),
    right('DL%', 4, 0, ({ feed }) => percentWords(feed.downloadedRatio), { below: 80 }),
    left('DL', 9, 80, ({ feed }) => share(feed.downloadedRatio, 5), { below: 140 }),
    left('DL', 14, 140, ({ feed }) => share(feed.downloadedRatio, 10)),
    right('', 13, 140, ({ feed }) => ofAll(feed.downloaded, feed)),
    right('TX%', 4, 0, ({ feed }) => percentWords(feed.transcribedRatio), { below: 80 }),
    left('TX', 9, 80, ({ feed }) => share(feed.transcribedRatio, 5), { below: 140 }),
    left('TX', 14, 140, ({ feed }) => share(feed.transcribedRatio, 10)),
    right('', 13, 140, ({ feed }) => ofAll(feed.transcribed, feed)),
    right('WRK', 5, 80, ({ feed }) => `${feed.downloadWorkers}+${feed.transcribeWorkers}`),
    right('xRT', 4, 80, ({ feed }) => speedWords(feed.speedRatio)),
    right('BOOKS', 5, 80, ({ feed }) => String(feed.bookScore)),
    right('LEFT', 6, 100, ({ feed }) => grouped(episodesLeft(feed))),
    right('ERR', 4, 100, ({ feed }) => String(feed.dead + feed.retrying)),
    left('ETA', 6, 80, ({ feed }) => etaWords(feed.etaSeconds)),
    left('AGENTS', 12, 140, ({ agents }) => agents.join(',') || '-', { widthMax: 24 }),
    right('READ', 6, 200, ({ feed }, nowMs) => ageWords(feed.lastSuccessAt, nowMs)),
    left('STATE', 13, 0, ({ feed }, nowMs) => stateWords(feed, nowMs), {
      tone: ({ feed }) => toneOf(feed),
    }),
    left('PROBLEM', 20, 200, ({ feed }) => feed.problem, { widthMax: 60 }),
  ],
  empty: ({ state }) =>
    state.feeds.size === 0
      ? 'no feeds yet: add one with "podctl feed add URL"'
      : 'no feed fits: Esc shows all again',
  detail: ({ feed }, picture, nowMs) => [
    feed.title,
    feed.url,
    '',
    `state         ${stateWords(feed, nowMs)}`,
    `episodes      ${grouped(feed.episodes)}, ${grouped(episodesLeft(feed))} left`,
    `downloaded    ${grouped(feed.downloaded)}, ${percentWords(feed.downloadedRatio)}%, ${feed.downloadWorkers} running`,
    `transcribed   ${grouped(feed.transcribed)}, ${percentWords(feed.transcribedRatio)}%, ${feed.transcribeWorkers} running`,
    `dead          ${feed.dead}, ${feed.retrying} wait for their next attempt`,
    `book score    ${feed.bookScore}${feed.bookScoreKnown ? '' : ' (not known yet)'}`,
    `audio         ${audioWords(feed.audioTranscribedSeconds)} done, ${audioWords(feed.audioLeftSeconds)} left, ${speedWords(feed.speedRatio)} real time, ETA ${etaWords(feed.etaSeconds)}`,
    `last read     ${ageWords(feed.lastSuccessAt, nowMs)} ago`,
    ...(feed.problem === '' ? [] : [`problem       ${feed.problem}`]),
    ...jobLines(feed, picture),
    ...eventLines(feed, picture),
  ],
};

/** Of ten thousand feeds few change from one picture to the next: rows are kept, also to leave less to be collected. */
function feedRows(
  { feeds, agents }: WatchPicture['state'],
  before: readonly FeedRow[],
): readonly FeedRow[] {
  const byFeed = agentsByFeed(agents.values());
  const rows = before.slice(0, feeds.size);
  let i = 0;
  for (const feed of feeds.values()) {
    const theirs = byFeed.get(feed.feedId) ?? NOBODY;
    const known = rows[i];
    if (known?.feed !== feed || !isSameList(known.agents, theirs))
      rows[i] = { feed, agents: theirs };
    i += 1;
  }
  return rows;
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i]);
}

function agentsByFeed(
  agents: Iterable<{ agentId: string; jobs: readonly { feedId: string }[] }>,
): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { agentId, jobs } of agents)
    for (const feedId of new Set(jobs.map((job) => job.feedId)))
      found.set(feedId, [...(found.get(feedId) ?? []), agentId]);
  return found;
}

function jobLines({ feedId }: FeedView, { state }: WatchPicture): string[] {
  const jobs = [...state.agents.values()].flatMap((agent) =>
    agent.jobs
      .filter((job) => job.feedId === feedId)
      .map(
        (job) =>
          `${agent.agentId} ${job.stage} ${job.episodeId} ${percentWords(job.progressRatio)}%`,
      ),
  );
  const more = jobs.length - DETAIL_JOBS_MAX;
  const shown = jobs.slice(0, DETAIL_JOBS_MAX);
  return shown.length === 0 ? [] : ['', ...shown, ...(more > 0 ? [`and ${more} more jobs`] : [])];
}

function eventLines({ feedId }: FeedView, { state }: WatchPicture): string[] {
  const events = state.events.filter((event) => event.feedId === feedId).slice(-DETAIL_EVENTS_MAX);
  return events.length === 0 ? [] : ['', ...events.map(eventLine)];
}

/** What needs a look comes first, then what works, then what is done. */
function needRank(feed: FeedView): number {
  const rank = ['failing', 'stalled', 'active', 'new'].indexOf(feed.state);
  return rank === -1 ? 9 : rank;
}

function share(ratio: number, width: number): string {
  return `${bar(ratio, width)} ${percentWords(ratio).padStart(3)}`;
}

function ofAll(count: number, { episodes }: FeedView): string {
  return `${grouped(count)}/${grouped(episodes)}`;
}

function stateWords(feed: FeedView, nowMs: number): string {
  switch (feed.state) {
    case 'stalled':
      return `STALL ${ageWords(feed.stalledSince, nowMs)}`;
    case 'failing':
      return 'FAILING';
    case 'done':
      return feed.dead > 0 ? `done, ${feed.dead} dead` : 'done';
    case 'active':
      return activeWords(feed);
    default:
      // A state that came later says its own word.
      return feed.state;
  }
}

function activeWords({ dead, retrying, downloadWorkers, transcribeWorkers }: FeedView): string {
  if (dead > 0) return `${dead} dead`;
  if (retrying > 0) return `retry ${retrying}`;
  if (transcribeWorkers > 0) return 'ok';
  return downloadWorkers > 0 ? 'dl-only' : 'waiting';
}

function toneOf(feed: FeedView): Tone | undefined {
  if (feed.state === 'failing' || feed.state === 'stalled') return 'bad';
  if (feed.dead > 0 || feed.retrying > 0) return 'warn';
  return feed.state === 'done' ? 'dim' : undefined;
}
