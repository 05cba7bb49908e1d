/** How rows are told apart, chosen and ordered. Of each row all of it follows from the row alone. */
export interface RowRules<Row> {
  readonly id: (row: Row) => string;
  readonly fits: (row: Row) => boolean;
  readonly key: (row: Row) => number | string;
  readonly descending: boolean;
}

interface Entry<Row> {
  readonly row: Row;
  readonly id: string;
  readonly key: number | string;
  readonly fits: boolean;
}

/** Rows in their order, and what the next order is made of. */
export interface RowOrder<Row> {
  /** All rows, as they came. */
  readonly all: readonly Entry<Row>[];
  /** Those that fit, by key, then by id. */
  readonly placed: readonly Entry<Row>[];
  /** Of `placed`. */
  readonly ids: readonly string[];
}

/** From here on sorting everything costs as much. */
const MOVED_MAX = 1_000;

/**
 * The rows that fit, in their order. Of ten thousand rows a hundred change five times a second: with `before`, which was
 * made by the same rules, only those that are not the very same object are judged, and moved to their places.
 */
export function rowOrder<Row>(
  rows: readonly Row[],
  rules: RowRules<Row>,
  before: RowOrder<Row> | null,
): RowOrder<Row> {
  const compare = comparison<Row>(rules.descending);
  const moves = before === null ? null : movesOf(rows, rules, before.all);
  if (before === null || moves === null) {
    const all = rows.map((row) => entryOf(row, rules));
    const placed = all.filter(({ fits }) => fits).sort(compare);
    return { all, placed, ids: placed.map(({ id }) => id) };
  }
  if (moves.fresh.length === 0) return before;
  const placed = replaced(before.placed, moves, compare);
  return { all: moves.all, placed, ids: placed.map(({ id }) => id) };
}

/** In one pass, by places: what compares or moves each row once for each that changed costs more than sorting. */
function replaced<Row>(
  before: readonly Entry<Row>[],
  { gone, fresh }: Moves<Row>,
  compare: Compare<Row>,
): readonly Entry<Row>[] {
  const leaving = gone.filter(({ fits }) => fits).sort(compare);
  const coming = fresh.filter(({ fits }) => fits).sort(compare);
  const leaveAt = leaving.map((entry) => placeOf(entry, before, compare));
  const comeAt = coming.map((entry) => placeOf(entry, before, compare));
  const placed = new Array<Entry<Row>>(before.length - leaving.length + coming.length);
  let [next, left, come] = [0, 0, 0];
  for (let i = 0; i <= before.length; i += 1) {
    for (; comeAt[come] === i; come += 1) next = put(placed, next, coming[come]);
    if (leaveAt[left] === i) left += 1;
    else next = put(placed, next, before[i]);
  }
  return placed;
}

function put<T>(list: T[], at: number, item: T | undefined): number {
  if (item === undefined) return at;
  list[at] = item;
  return at + 1;
}

interface Moves<Row> {
  readonly all: readonly Entry<Row>[];
  /** What is no more in `all`, and what came for it. */
  readonly gone: readonly Entry<Row>[];
  readonly fresh: readonly Entry<Row>[];
}

/** What changed since; null where other rows came or went, or too many changed. */
function movesOf<Row>(
  rows: readonly Row[],
  rules: RowRules<Row>,
  before: readonly Entry<Row>[],
): Moves<Row> | null {
  if (rows.length !== before.length) return null;
  const gone: Entry<Row>[] = [];
  const fresh: Entry<Row>[] = [];
  let all = before as Entry<Row>[];
  for (let i = 0; i < rows.length; i += 1) {
    const row = rows[i];
    const known = before[i];
    if (row === undefined || known === undefined) return null;
    if (known.row === row) continue;
    const entry = entryOf(row, rules);
    if (entry.id !== known.id || fresh.length >= MOVED_MAX) return null;
    if (fresh.length === 0) all = before.slice();
    all[i] = entry;
    gone.push(known);
    fresh.push(entry);
  }
  return { all, gone, fresh };
}

function entryOf<Row>(row: Row, { id, key, fits }: RowRules<Row>): Entry<Row> {
  return { row, id: id(row), key: key(row), fits: fits(row) };
}

type Compare<Row> = (a: Entry<Row>, b: Entry<Row>) => number;

function comparison<Row>(descending: boolean): Compare<Row> {
  const turn = descending ? -1 : 1;
  return (a, b) => turn * compared(a.key, b.key) || compared(a.id, b.id);
}

function compared(a: number | string, b: number | string): number {
  return a < b ? -1 : Number(a > b);
}

/** Where it is among these, which are in order, or would have to be. */
function placeOf<Row>(
  entry: Entry<Row>,
  placed: readonly Entry<Row>[],
  compare: Compare<Row>,
): number {
  let low = 0;
  let high = placed.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = placed[middle];
    if (other !== undefined && compare(other, entry) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
