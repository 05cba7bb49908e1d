import type { WatchPicture } from '../../watch/watch-picture.ts';
import { fit } from '../cell.ts';
import type { Line, Span, Tone } from './line.ts';

export interface ViewColumn<Row> {
  readonly head: string;
  readonly width: number;
  readonly align: 'left' | 'right';
  /** Shown from this many terminal columns on … */
  readonly from: number;
  /** … and up to so many: from there another one takes its place. */
  readonly below?: number;
  /** It takes what the others leave, this much at most. */
  readonly widthMax?: number;
  readonly cell: (row: Row, nowMs: number) => string;
  /** Only beside a word that says the same. */
  readonly tone?: (row: Row) => Tone | undefined;
}

/** Rows are in this order by what it gives, then by id. */
export interface ViewSort<Row> {
  readonly name: string;
  readonly by: (row: Row) => number | string;
  /** As `s` comes to it. */
  readonly descending: boolean;
}

/** How one view's rows are found, named, ordered and drawn. */
export interface ViewTable<Row> {
  /** The same list, by identity, as long as nothing changed. */
  readonly source: (picture: WatchPicture) => readonly unknown[];
  /** `before`: of an earlier picture; what did not change may be the same object again, and is not placed anew then. */
  readonly rows: (picture: WatchPicture, before: readonly Row[]) => readonly Row[];
  readonly id: (row: Row) => string;
  /** What a filter looks in. */
  readonly words: (row: Row) => string;
  readonly hasProblem: (row: Row) => boolean;
  readonly sorts: readonly ViewSort<Row>[];
  readonly columns: readonly ViewColumn<Row>[];
  /** Instead of rows, when there are none. */
  readonly empty: (picture: WatchPicture) => string;
  readonly detail: (row: Row, picture: WatchPicture, nowMs: number) => readonly string[];
}

interface Placed<Row> {
  readonly column: ViewColumn<Row>;
  readonly width: number;
}

/** The columns that have room, with the width of each; `marker` columns are left free before them. */
export function placed<Row>(
  all: readonly ViewColumn<Row>[],
  terminalColumns: number,
  marker: number,
): readonly Placed<Row>[] {
  const shown = all.filter(
    ({ from, below }) =>
      terminalColumns >= from && terminalColumns < (below ?? Number.POSITIVE_INFINITY),
  );
  const taken = shown.reduce((sum, { width }) => sum + width + 1, marker - 1);
  return withSpare(shown, Math.max(0, terminalColumns - taken));
}

/** What is left over goes to those that can use it, a column of the terminal each in turn. */
function withSpare<Row>(columns: readonly ViewColumn<Row>[], spare: number): Placed<Row>[] {
  const widths = columns.map(({ width }) => width);
  for (let left = spare, grew = true; left > 0 && grew; ) {
    grew = false;
    for (const [i, { widthMax }] of columns.entries()) {
      const width = widths[i] ?? 0;
      if (left === 0 || width >= (widthMax ?? 0)) continue;
      widths[i] = width + 1;
      left -= 1;
      grew = true;
    }
  }
  return columns.map((column, i) => ({ column, width: widths[i] ?? column.width }));
}

export function headsLine<Row>(columns: readonly Placed<Row>[], marker: string): Line {
  const heads = columns.map(({ column, width }) => fit(column.head, width, column.align));
  return [{ text: marker + heads.join(' '), tone: 'strong' }];
}

export function rowLine<Row>(
  columns: readonly Placed<Row>[],
  row: Row,
  nowMs: number,
  marker: string,
): Line {
  const spans: Span[] = [{ text: marker }];
  for (const [i, { column, width }] of columns.entries()) {
    const tone = column.tone?.(row);
    const text = fit(column.cell(row, nowMs), width, column.align);
    if (i > 0) spans.push({ text: ' ' });
    spans.push(tone === undefined ? { text } : { text, tone });
  }
  return spans;
}

export function left<Row>(
  head: string,
  width: number,
  from: number,
  cell: ViewColumn<Row>['cell'],
  more: Partial<ViewColumn<Row>> = {},
): ViewColumn<Row> {
  return { head, width, align: 'left', from, cell, ...more };
}

export function right<Row>(
  head: string,
  width: number,
  from: number,
  cell: ViewColumn<Row>['cell'],
  more: Partial<ViewColumn<Row>> = {},
): ViewColumn<Row> {
  return { head, width, align: 'right', from, cell, ...more };
}
