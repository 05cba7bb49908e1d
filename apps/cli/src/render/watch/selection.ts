import { paneOf, type ScreenState } from '../../watch/screen-state.ts';
import type { WatchPicture } from '../../watch/watch-picture.ts';
import type { View } from '../../watch/watch-view.ts';
import { agentTable } from './agent-table.ts';
import { eventTable } from './event-table.ts';
import { feedTable } from './feed-table.ts';
import { jobTable } from './job-table.ts';
import type { Line } from './line.ts';
import { lockTable } from './lock-table.ts';
import { type RowOrder, type RowRules, rowOrder } from './row-order.ts';
import { headsLine, placed, rowLine, type ViewTable } from './view-table.ts';

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

const views: { readonly [V in View]: Select } = {
  feeds: selectFrom(feedTable),
  agents: selectFrom(agentTable),
  jobs: selectFrom(jobTable),
  events: selectFrom(eventTable),
  locks: selectFrom(lockTable),
};

/**
 * What the screen shows of the picture. With the same rows and choices `before` is given back, and with the same choices
 * only the rows that changed are placed anew: sorting is what costs.
 */
export function select(
  picture: WatchPicture,
  screen: ScreenState,
  before: Selection | null = null,
): Selection {
  return views[screen.view](picture, screen, before);
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

type Select = (picture: WatchPicture, screen: ScreenState, before: Selection | null) => Selection;

interface Memory<Row> {
  readonly rows: readonly Row[];
  readonly order: RowOrder<Row>;
}

function selectFrom<Row>(table: ViewTable<Row>): Select {
  /** What each selection was made of, for the one after it. */
  const memory = new WeakMap<Selection, Memory<Row>>();
  return (picture, screen, before) => {
    const choices = choicesOf(screen);
    const from = [...choices, ...table.source(picture)];
    if (before !== null && isSame(from, before.from)) return before;
    const isOfThese = before !== null && isSame(choices, before.from.slice(0, choices.length));
    const known = isOfThese ? memory.get(before) : undefined;
    const rows = table.rows(picture, known?.rows ?? []);
    const order = rowOrder(rows, rulesOf(table, screen), known?.order ?? null);
    const selection = selectionOf(table, picture, order, from);
    memory.set(selection, { rows, order });
    return selection;
  };
}

function choicesOf(screen: ScreenState): readonly unknown[] {
  const { sort, descending } = paneOf(screen);
  return [screen.view, sort, descending, screen.filter, screen.problemsOnly];
}

function rulesOf<Row>(table: ViewTable<Row>, screen: ScreenState): RowRules<Row> {
  const { filter, problemsOnly } = screen;
  const { sort: name, descending } = paneOf(screen);
  const sort = table.sorts.find((one) => one.name === name) ?? table.sorts[0];
  return {
    id: table.id,
    fits: (row) =>
      (!problemsOnly || table.hasProblem(row)) &&
      (filter === '' || table.words(row).toLowerCase().includes(filter)),
    key: (row) => sort?.by(row) ?? 0,
    descending,
  };
}

function selectionOf<Row>(
  table: ViewTable<Row>,
  picture: WatchPicture,
  { all, placed: ordered, ids }: RowOrder<Row>,
  from: readonly unknown[],
): Selection {
  return {
    from,
    ids,
    total: all.length,
    empty: all.length > 0 && ids.length === 0 ? 'no row fits: Esc shows all' : table.empty(picture),
    sorts: table.sorts,
    lines: ({ columns, first, end, marked, nowMs }) => {
      const mark = (i: number) => (i === marked ? '>' : ' ');
      const shown = placed(table.columns, columns, marked === null ? 0 : 1);
      return [
        headsLine(shown, marked === null ? '' : ' '),
        ...ordered
          .slice(first, end)
          .map(({ row }, i) => rowLine(shown, row, nowMs, marked === null ? '' : mark(first + i))),
      ];
    },
    detail: (index, nowMs) => {
      const entry = ordered[index];
      return entry === undefined ? ['this row is gone'] : table.detail(entry.row, picture, nowMs);
    },
  };
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((one, i) => Object.is(one, b[i]));
}
