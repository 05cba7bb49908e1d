import { oneLine } from './cell.ts';

/** Rows as RFC 4180 wants them: heads are the fields' names as `--json` has them; a field that is a list or an object is JSON text. */
export function csvLines(items: readonly object[], heads: boolean): string[] {
  // Not made flat: what is inside differs from row to row, and the heads must not.
  const rows = items.map((item) => new Map(Object.entries(item)));
  const names = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const lines = rows.map((row) => names.map((name) => csvCell(row.get(name))).join(','));
  return heads && names.length > 0 ? [names.join(','), ...lines] : lines;
}

function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  // What feeds wrote must not steer a terminal that the rows are shown on.
  const text = oneLine(typeof value === 'object' ? JSON.stringify(value) : String(value));
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
