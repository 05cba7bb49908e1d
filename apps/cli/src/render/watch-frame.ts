import type { FeedView } from '../views/feed-map.ts';
import type { OverviewView } from '../views/fleet-map.ts';
import type { WatchState } from '../watch/watch-state.ts';
import { cut, fit, oneLine } from './cell.ts';
import { eventLine } from './event-line.ts';
import { failingLines } from './failing-feeds.ts';
import { ageWords, countWords, durationWords, percentWords } from './words.ts';

export interface WatchHead {
  /** `host:port` of the coordinator. */
  readonly address: string;
  /** What the keys do, e.g. `q quit`; empty when there are none. */
  readonly keys: string;
  /** A line that must be seen now, e.g. that a child died; empty when there is none. */
  readonly notice?: string;
}

/** The coordinator speaks every 10 s at least. */
const STALE_AFTER_MS = 15_000;
/** Without room for more, the head and the feeds are what is worth it. */
const ROWS_FOR_EVENTS_MIN = 15;
const EVENTS_SHOWN_MAX = 5;
/** From here on the totals have room for whole words. */
const SUMMARY_WIDTH = 100;

interface WatchColumn {
  readonly head: string;
  readonly width: number;
  readonly align: 'left' | 'right';
  /** Shown from this many terminal columns on. */
  readonly from: number;
  readonly cell: (feed: FeedView, nowMs: number) => string;
}

const FEED_WIDTH_MIN = 16;
const FEED_WIDTH_MAX = 48;

const columns: readonly WatchColumn[] = [
  right('DL%', 4, 0, (feed) => percentWords(feed.downloadedRatio)),
  left('', 10, 140, (feed) => bar(feed.downloadedRatio, 10)),
  right('', 12, 140, (feed) => `${feed.downloaded}/${feed.episodes}`),
  right('TX%', 4, 0, (feed) => percentWords(feed.transcribedRatio)),
  left('', 10, 140, (feed) => bar(feed.transcribedRatio, 10)),
  right('', 12, 140, (feed) => `${feed.transcribed}/${feed.episodes}`),
  right('WORKERS', 7, 80, (feed) => `${feed.downloadWorkers}+${feed.transcribeWorkers}`),
  right('BOOKS', 5, 60, (feed) => String(feed.bookScore)),
  right('LEFT', 6, 100, (feed) => String(feed.episodes - feed.transcribed - feed.dead)),
  right('ERR', 4, 80, (feed) => String(feed.dead + feed.retrying)),
  right('READ', 6, 100, (feed, nowMs) => ageWords(feed.lastSuccessAt, nowMs)),
  left('STATE', 14, 0, stateWords),
];

/**
 * The live table as lines, `rows` at most, none wider than `terminalColumns`.
 * What may be old shows its age: the head says STALE when the stream is quiet.
 */
export function frame(
  state: WatchState,
  terminalColumns: number,
  rows: number,
  nowMs: number,
  head: WatchHead,
): string[] {
  const lines = [
    headLine(state, terminalColumns, nowMs, head),
    ...summaryLines(state.overview, terminalColumns),
    ...(head.notice ? [head.notice] : []),
    '-'.repeat(terminalColumns),
  ];
  const events = rows >= ROWS_FOR_EVENTS_MIN ? eventLines(state) : [];
  const feeds = [...state.feeds.values()].sort(byNeed);
  const failing = rows >= ROWS_FOR_EVENTS_MIN ? failingLines(feeds) : [];
  const room = Math.max(1, rows - lines.length - failing.length - events.length);
  lines.push(...feedLines(state, feeds, terminalColumns, room, nowMs), ...failing, ...events);
  return lines.slice(0, rows).map((line) => cut(oneLine(line), terminalColumns).trimEnd());
}

function headLine(state: WatchState, width: number, nowMs: number, head: WatchHead): string {
  const time = `${new Date(nowMs).toISOString().slice(11, 19)}Z`;
  const text = `podctl watch  ${head.address}  ${liveness(state, nowMs)}  ${time}`;
  const gap = width - text.length - head.keys.length;
  return gap < 2 ? text : text + ' '.repeat(gap) + head.keys;
}

function liveness(state: WatchState, nowMs: number): string {
  if (state.heardAtMs === null) return 'connecting';
  const quietMs = nowMs - state.heardAtMs;
  // A stream that is being opened anew is not live, however short ago it was.
  if (state.sequence === null || quietMs > STALE_AFTER_MS)
    return `STALE ${durationWords(quietMs / 1_000)}`;
  return 'live';
}

function summaryLines(overview: OverviewView | null, width: number): string[] {
  if (overview === null) return ['waiting for the first snapshot'];
  const { agentsLive, agentsLost, dead, killers, downloadWorkers, transcribeWorkers } = overview;
  const [dl, tx] = width >= SUMMARY_WIDTH ? ['downloaded', 'transcribed'] : ['dl', 'tx'];
  const [dlWorkers, txWorkers] =
    width >= SUMMARY_WIDTH ? ['downloading', 'transcribing'] : ['dl', 'tx'];
  const share = (count: number, ratio: number) => `${count} (${percentWords(ratio)}%)`;
  const lines = [
    [
      `feeds ${overview.feeds}`,
      `episodes ${overview.episodes}`,
      `${dl} ${share(overview.downloaded, overview.downloadedRatio)}`,
      `${tx} ${share(overview.transcribed, overview.transcribedRatio)}`,
      `audio ${durationWords(overview.audioTranscribedSeconds)}`,
    ].join('  '),
    [
      `agents ${agentsLive}/${agentsLive + agentsLost}`,
      `${dlWorkers} ${downloadWorkers}`,
      `${txWorkers} ${transcribeWorkers}`,
      `dead ${dead}${killers > 0 ? ` (${killers} may kill agents)` : ''}`,
      `stalled ${overview.feedsStalled}`,
      `stale locks ${overview.locksStale}`,
    ].join('  '),
  ];
  return overview.problem === '' ? lines : [...lines, `PROBLEM: ${overview.problem}`];
}

function feedLines(
  state: WatchState,
  feeds: readonly FeedView[],
  width: number,
  room: number,
  nowMs: number,
): string[] {
  const shown = columns.filter((column) => width >= column.from);
  const taken = shown.reduce((sum, column) => sum + column.width + 1, 0);
  const feedWidth = Math.min(FEED_WIDTH_MAX, Math.max(FEED_WIDTH_MIN, width - taken));
  const line = (name: string, cells: (column: WatchColumn) => string) =>
    [fit(name, feedWidth), ...shown.map((c) => fit(cells(c), c.width, c.align))].join(' ');
  const heads = line('FEED', (column) => column.head);
  if (feeds.length === 0 && state.overview !== null)
    return [heads, 'no feeds yet: add one with "podctl feed add URL"'];
  const fitting = feeds.length <= room - 1 ? feeds : feeds.slice(0, Math.max(0, room - 2));
  const hidden = feeds.length - fitting.length;
  return [
    heads,
    ...fitting.map((feed) => line(feed.feedId, (column) => column.cell(feed, nowMs))),
    ...(hidden > 0 ? [`... ${countWords(hidden, 'more feed')}`] : []),
  ];
}

/** What needs a look comes first, then what works, then what is done; then by id. */
function byNeed(a: FeedView, b: FeedView): number {
  const rank = (feed: FeedView) => ['failing', 'stalled', 'active', 'new'].indexOf(feed.state);
  const order = (n: number) => (n === -1 ? 9 : n);
  return order(rank(a)) - order(rank(b)) || (a.feedId < b.feedId ? -1 : 1);
}

function eventLines(state: WatchState): string[] {
  return state.events.length === 0
    ? []
    : ['', ...state.events.slice(-EVENTS_SHOWN_MAX).map(eventLine)];
}

function stateWords(feed: FeedView, nowMs: number): string {
  switch (feed.state) {
    case 'stalled':
      return `STALLED ${ageWords(feed.stalledSince, nowMs)}`;
    case 'failing':
      return 'FAILING';
    case 'new':
    case 'paused':
    case 'active':
    case 'done':
    case 'unknown':
      return feed.state === 'done' && feed.dead > 0 ? 'done, dead' : feed.state;
  }
}

function bar(ratio: number, width: number): string {
  const full = Math.floor(ratio * width + 1e-9);
  return '#'.repeat(full) + '-'.repeat(width - full);
}

function left(head: string, width: number, from: number, cell: WatchColumn['cell']): WatchColumn {
  return { head, width, align: 'left', from, cell };
}

function right(head: string, width: number, from: number, cell: WatchColumn['cell']): WatchColumn {
  return { head, width, align: 'right', from, cell };
}
