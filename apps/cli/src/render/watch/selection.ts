import { paneOf, type ScreenState } from '../../watch/screen-state.ts';
import type { WatchPicture } from '../../watch/watch-picture.ts';
import type { View } from '../../watch/watch-view.ts';
import { agentTable } from './agent-table.ts';
import { eventTable } from './event-table.ts';
import { feedTable } from './feed-table.ts';
import { jobTable } from './job-table.ts';
import type { Line } from './line.ts';
import { lockTable } from './lock-table.ts';
import { headsLine, placed, rowLine, type ViewSort, type ViewTable } from './view-table.ts';

/** The rows of one view that fit the filter, in their order; lines are made of those that are asked for only. */
export interface Selection {
  /** What it was worked out from: with the same it is the same. */
  readonly from: readonly unknown[];
  readonly ids: readonly string[];
  /** Of all rows, without a filter. */
  readonly total: number;
  /** Instead of rows, when there are none. */
  readonly empty: string;
  /** The names of the orders that `s` goes through. */
  readonly sorts: readonly { readonly name: string; readonly descending: boolean }[];
  /** The line of heads, then those of the rows from `first` to before `end`; `marked` is the row with the cursor. */
  lines(look: RowsLook): readonly Line[];
  /** Lines about one row; it may have gone meanwhile. */
  detail(index: number, nowMs: number): readonly string[];
}

export interface RowsLook {
  readonly columns: number;
  readonly first: number;
  readonly end: number;
  /** -1: none; null: without the place for the mark. */
  readonly marked: number | null;
  readonly nowMs: number;
}

/** What the screen shows of the picture. With the same rows and choices, `before` is given back: sorting is what costs. */
export function select(
  picture: WatchPicture,
  screen: ScreenState,
  before: Selection | null = null,
): Selection {
  switch (screen.view) {
    case 'feeds':
      return selectFrom(feedTable, picture, screen, before);
    case 'agents':
      return selectFrom(agentTable, picture, screen, before);
    case 'jobs':
      return selectFrom(jobTable, picture, screen, before);
    case 'events':
      return selectFrom(eventTable, picture, screen, before);
    case 'locks':
      return selectFrom(lockTable, picture, screen, before);
  }
}

/** The orders of a view, for who names one. */
export function sortsOf(view: View): readonly { readonly name: string }[] {
  switch (view) {
    case 'feeds':
      return feedTable.sorts;
    case 'agents':
      return agentTable.sorts;
    case 'jobs':
      return jobTable.sorts;
    case 'events':
      return eventTable.sorts;
    case 'locks':
      return lockTable.sorts;
  }
}

function selectFrom<Row>(
  table: ViewTable<Row>,
  picture: WatchPicture,
  screen: ScreenState,
  before: Selection | null,
): Selection {
  const { view, filter, problemsOnly } = screen;
  const pane = paneOf(screen);
  const choices = [view, pane.sort, pane.descending, filter, problemsOnly];
  const from = [...choices, ...table.source(picture)];
  if (before !== null && isSame(from, before.from)) return before;
  const all = table.rows(picture);
  const fitting = all.filter(
    (row) =>
      (!problemsOnly || table.hasProblem(row)) &&
      (filter === '' || table.words(row).toLowerCase().includes(filter)),
  );
  const sort = table.sorts.find(({ name }) => name === pane.sort) ?? table.sorts[0];
  const rows = sort === undefined ? fitting : sorted(fitting, sort, pane.descending, table.id);
  return {
    from,
    ids: rows.map(table.id),
    total: all.length,
    empty:
      all.length > 0 && rows.length === 0 ? 'no row fits: Esc shows all' : table.empty(picture),
    sorts: table.sorts,
    lines: ({ columns, first, end, marked, nowMs }) => {
      const mark = (i: number) => (i === marked ? '>' : ' ');
      const shown = placed(table.columns, columns, marked === null ? 0 : 1);
      return [
        headsLine(shown, marked === null ? '' : ' '),
        ...rows
          .slice(first, end)
          .map((row, i) => rowLine(shown, row, nowMs, marked === null ? '' : mark(first + i))),
      ];
    },
    detail: (index, nowMs) => {
      const row = rows[index];
      return row === undefined ? ['this row is gone'] : table.detail(row, picture, nowMs);
    },
  };
}

/** The key of each row is worked out once: there may be ten thousand of them, five times a second. */
function sorted<Row>(
  rows: readonly Row[],
  sort: ViewSort<Row>,
  descending: boolean,
  idOf: (row: Row) => string,
): Row[] {
  const turn = descending ? -1 : 1;
  return rows
    .map((row) => ({ row, key: sort.by(row), id: idOf(row) }))
    .sort((a, b) => turn * compare(a.key, b.key) || compare(a.id, b.id))
    .map(({ row }) => row);
}

function compare(a: number | string, b: number | string): number {
  return a < b ? -1 : Number(a > b);
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((one, i) => Object.is(one, b[i]));
}
