import Table from 'cli-table3';
import { cut, fit, oneLine } from './cell.ts';
import { textWidth } from './text-width.ts';

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** Shown with `-o wide` only. */
  readonly wide?: boolean;
  /** Part of the row's name, of `-o name`. Where no column says so the first one is it. */
  readonly isName?: boolean;
}

export interface TableOptions {
  readonly heads: boolean;
  readonly wide: boolean;
  /** Cells are cut where the lines would be wider than this; absent: never. */
  readonly widthMax?: number;
}

/** Below this a cell says too little to be worth its place. */
const CUT_WIDTH_MIN = 8;
const GAP = 2;

/** cli-table3 blocks for 0.2 s at 1,000 rows and 15 s at 10,000; longer lists are padded plainly. */
const PRETTY_ROWS_MAX = 200;

const noBorders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** The rows as lines, without trailing spaces. Both ways of drawing give the same text. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: TableOptions,
): string[] {
  const shown = columns.filter((column) => options.wide || column.wide !== true);
  const cells = rows.map((row) => shown.map((column) => oneLine(column.cell(row))));
  if (options.heads) cells.unshift(shown.map((column) => column.head));
  if (cells.length === 0) return [];
  const { widthMax } = options;
  const fitting = widthMax === undefined ? cells : cutCells(cells, widthMax);
  const lines = rows.length <= PRETTY_ROWS_MAX ? drawn(shown, fitting) : padded(shown, fitting);
  // Many columns on a narrow terminal: a line that wraps would look like two rows.
  return lines.map((line) => (widthMax === undefined ? line : cut(line, widthMax)).trimEnd());
}

/** The cells, the widest columns cut; the first one, which names the row, last. */
function cutCells(cells: readonly string[][], widthMax: number): readonly string[][] {
  const natural = widthsOf(cells);
  const room = widthMax - GAP * (natural.length - 1);
  const heads = cells[0] ?? [];
  const least = natural.map((width, i) =>
    Math.min(width, Math.max(CUT_WIDTH_MIN, textWidth(heads[i] ?? ''))),
  );
  const whole = [natural[0] ?? 0, ...least.slice(1)];
  const widths = lowered(lowered(natural, whole, room), least, room);
  return cells.map((line) => line.map((cell, i) => cut(cell, widths[i] ?? 0)));
}

/** The widths with the widest of them lowered until they fit, none below its least. */
export function lowered(
  natural: readonly number[],
  least: readonly number[],
  room: number,
): readonly number[] {
  const widths = [...natural];
  let over = widths.reduce((sum, width) => sum + width, 0) - room;
  while (over > 0) {
    const [widest, next] = widths
      .map((width, i) => ({ width, i, least: least[i] ?? 0 }))
      .filter((column) => column.width > column.least)
      .sort((a, b) => b.width - a.width);
    if (widest === undefined) break;
    const floor = Math.max(widest.least, widest.width - over, (next?.width ?? 0) - 1);
    const width = Math.min(floor, widest.width - 1);
    over -= widest.width - width;
    widths[widest.i] = width;
  }
  return widths;
}

function widthsOf(cells: readonly string[][]): number[] {
  return (cells[0] ?? []).map((_, i) =>
    cells.reduce((widest, line) => Math.max(widest, textWidth(line[i] ?? '')), 0),
  );
}

function drawn<Row>(columns: readonly Column<Row>[], cells: readonly string[][]): string[] {
  const table = new Table({
    chars: noBorders,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: columns.map((column) => column.align ?? 'left'),
  });
  table.push(...cells);
  return table.toString().split('\n');
}

function padded<Row>(columns: readonly Column<Row>[], cells: readonly string[][]): string[] {
  const widths = widthsOf(cells);
  return cells.map((line) =>
    line.map((cell, i) => fit(cell, widths[i] ?? 0, columns[i]?.align)).join(' '.repeat(GAP)),
  );
}
