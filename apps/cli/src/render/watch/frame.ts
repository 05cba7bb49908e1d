import type { AgentView } from '../../views/agent-map.ts';
import { cursorIndex, paneOf, type ScreenState, topOf } from '../../watch/screen-state.ts';
import type { Listing, WatchPicture } from '../../watch/watch-picture.ts';
import { eventLine } from '../event-line.ts';
import { failingLines } from '../failing-feeds.ts';
import { gpuFigures } from '../gpu-words.ts';
import { grouped } from './figure-words.ts';
import { headLine, summaryLines, type WatchHead } from './head-lines.ts';
import { helpLines } from './help-lines.ts';
import { jobIdOf } from './job-table.ts';
import { drawn, type Line, type Style, text } from './line.ts';
import type { Selection } from './selection.ts';

/** Everything a frame is made of. */
export interface Shown {
  readonly picture: WatchPicture;
  readonly screen: ScreenState;
  readonly selection: Selection;
  readonly head: WatchHead;
  readonly style: Style;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Below, only the totals and the table are worth their room; further below the totals go too. */
const ROWS_FOR_PANES_MIN = 15;
const ROWS_FOR_FAILING_MIN = 20;
const ROWS_FOR_SUMMARY_MIN = 8;
const EVENTS_MAX = 5;
const GPUS_MAX = 4;
const COLUMNS_FOR_GPUS_MIN = 140;

interface Layout {
  readonly top: readonly Line[];
  readonly bottom: readonly Line[];
  /** Rows of the table that show, below its heads. */
  readonly room: number;
  readonly cursor: number;
  readonly first: number;
}

/** The screen: `rows` lines at most, none wider than `columns`. Only the rows that show are drawn. */
export function frame(shown: Shown, size: Size, nowMs: number): string[] {
  const { columns, rows } = size;
  if (columns < 1 || rows < 1) return [];
  const layout = layoutOf(shown, size, nowMs);
  const foot = footLine(shown, layout);
  const body = bodyLines(shown, layout, columns, nowMs);
  const lines = [...layout.top, ...body, foot, ...layout.bottom];
  // A question must show, however few rows there are.
  const fitting = lines.length <= rows ? lines : [...lines.slice(0, rows - 1), foot];
  return fitting.map((line) => drawn(line, columns, shown.style));
}

/** How many rows of the table show: what PgUp and PgDn go by. */
export function tableRoom(shown: Shown, size: Size, nowMs: number): number {
  return layoutOf(shown, size, nowMs).room;
}

/** All rows, for a file or a pipe: no cursor, nothing at the bottom. */
export function plainTable(shown: Shown, columns: number, nowMs: number): string[] {
  const { picture, screen, selection, head, style } = shown;
  const end = selection.ids.length;
  const lines = [
    headLine(picture, screen, '', columns, nowMs, head),
    ...summaryLines(picture, columns),
    rule(columns),
    ...selection.lines({ columns, first: 0, end, marked: null, nowMs }),
    ...(end === 0 ? [text(selection.empty)] : []),
    ...failingLines(picture.state.feeds.values()).map((words) => text(words)),
  ];
  return lines.map((line) => drawn(line, columns, style));
}

function layoutOf(shown: Shown, size: Size, nowMs: number): Layout {
  const { screen, selection } = shown;
  const { ids } = selection;
  const cursor = cursorIndex(paneOf(screen), ids);
  const place = `${grouped(cursor + 1)}/${grouped(ids.length)}`;
  const top = topLines(shown, size, place, nowMs);
  const bottom = bottomLines(shown, size);
  // Heads and foot are a line each.
  const room = Math.max(1, size.rows - top.length - bottom.length - 2);
  return { top, bottom, room, cursor, first: topOf(paneOf(screen), ids.length, cursor, room) };
}

function topLines({ picture, screen, head }: Shown, size: Size, place: string, nowMs: number) {
  const { columns, rows } = size;
  const line = headLine(picture, screen, place, columns, nowMs, head);
  const notice = head.notice ? [text(head.notice, 'warn')] : [];
  if (rows < ROWS_FOR_SUMMARY_MIN) return rows < 4 ? [] : [line];
  return [line, ...summaryLines(picture, columns), ...notice, rule(columns)];
}

function bottomLines({ picture, screen }: Shown, { columns, rows }: Size): readonly Line[] {
  if (rows < ROWS_FOR_PANES_MIN) return [];
  const { feeds, agents, events } = picture.state;
  const failing = rows < ROWS_FOR_FAILING_MIN ? [] : failingLines(feeds.values());
  const gpus = columns < COLUMNS_FOR_GPUS_MIN ? [] : gpuLines(agents.values());
  const newest = Math.min(EVENTS_MAX, Math.max(2, Math.floor(rows / 5) - 1));
  const news = screen.view === 'events' ? [] : events.slice(-newest).map(eventLine);
  const lines = [...failing, ...gpus, ...news];
  return lines.length === 0 ? [] : [rule(columns), ...lines.map((words) => text(words))];
}

function gpuLines(agents: Iterable<AgentView>): string[] {
  const all = [...agents].flatMap(({ agentId, gpus }) =>
    gpus.map(
      (gpu) => `GPU ${agentId}/${gpu.index}  ${gpu.product || 'unknown'}  ${gpuFigures(gpu)}`,
    ),
  );
  const more = all.length - GPUS_MAX;
  return more > 0 ? [...all.slice(0, GPUS_MAX - 1), `and ${more + 1} more GPUs (2)`] : all;
}

/** Heads and rows, or what lies over them; as many lines as there is room for. */
function bodyLines(
  { picture, screen, selection }: Shown,
  { room, cursor, first }: Layout,
  columns: number,
  nowMs: number,
): readonly Line[] {
  const height = room + 1;
  const lines = (() => {
    switch (screen.overlay) {
      case 'help':
        return helpLines(screen).map((words) => text(words));
      case 'detail':
        return selection.detail(cursor, nowMs).map((words) => text(words));
      case 'logs':
        return logLines(picture.logs, jobIdOf(selection.ids[cursor] ?? null), height).map((words) =>
          text(words),
        );
      case 'none': {
        const end = first + room;
        const table = selection.lines({ columns, first, end, marked: cursor, nowMs });
        return selection.ids.length > 0 ? table : [...table, text(` ${selection.empty}`)];
      }
    }
  })();
  const blank = Array.from({ length: Math.max(0, height - lines.length) }, () => text(''));
  return [...lines.slice(0, height), ...blank];
}

/** The newest lines, as many as fit. */
function logLines(
  { items, readAtMs, problem }: Listing<string>,
  job: string | null,
  height: number,
): readonly string[] {
  const notes = [`log of ${job ?? 'a job that is over'}`, ...(problem === '' ? [] : [problem])];
  if (readAtMs === null) return problem === '' ? [...notes, 'asking for it'] : notes;
  if (items.length === 0) return [...notes, 'no lines of this job are kept'];
  return [...notes, ...items.slice(-Math.max(1, height - notes.length))];
}

/** What is asked, typed or said; else which rows these are. */
function footLine({ screen, selection }: Shown, { room, first }: Layout): Line {
  const { question, typing, filter, message, problemsOnly } = screen;
  if (question !== null) return text(question.words, 'strong');
  if (typing !== null) return text(`/${filter}_  Enter keeps it, Esc takes it back`);
  if (message !== '') return text(message, 'strong');
  if (screen.overlay !== 'none') return text(' Esc back');
  const count = selection.ids.length;
  const { sort, descending } = paneOf(screen);
  const rows = `${Math.min(count, first + 1)}-${Math.min(count, first + room)} of ${grouped(count)}`;
  const of = count === selection.total ? '' : `, all ${grouped(selection.total)}`;
  const only = problemsOnly ? ', problems only' : '';
  const order = `sort: ${descending ? '-' : ''}${sort}, filter: ${filter || 'none'}`;
  return text(` ... ${rows}${of} (${order}${only})`, 'dim');
}

function rule(columns: number): Line {
  return text('-'.repeat(columns));
}
