import { err, ok, type Result } from '@podctl/domain/result.ts';
import { nearest } from '@podctl/platform/config/settings-error.ts';
import { flatFields } from './fields.ts';

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/**
 * The items in the order of a field of `--json`, in reverse with `-` before it. What is null or absent comes last either
 * way. Equal ones stay as they came. The error is a sentence.
 */
export function sortedBy<Item extends object>(
  items: readonly Item[],
  spec: string,
): Result<readonly Item[], string> {
  const isReverse = spec.startsWith('-');
  const asked = isReverse ? spec.slice(1) : spec;
  const rows = items.map((item) => ({ item, fields: flatFields(item) }));
  const names = [...new Set(rows.flatMap(({ fields }) => [...fields.keys()]))];
  const name = names.find((known) => known.toLowerCase() === asked.toLowerCase());
  if (items.length === 0) return ok(items);
  if (name === undefined) return err(unknownField(asked, names));
  const sign = isReverse ? -1 : 1;
  return ok(
    rows
      .sort((a, b) => compare(a.fields.get(name), b.fields.get(name), sign))
      .map(({ item }) => item),
  );
}

function unknownField(asked: string, names: readonly string[]): string {
  const meant = nearest(asked, names);
  const hint = meant === null ? `choose one of ${names.join(', ')}` : `did you mean ${meant}?`;
  return `--sort-by is ${JSON.stringify(asked)}, which is no field of this list; ${hint}`;
}

function compare(a: unknown, b: unknown, sign: number): number {
  const [aIsNone, bIsNone] = [isNone(a), isNone(b)];
  if (aIsNone || bIsNone) return Number(aIsNone) - Number(bIsNone);
  if (typeof a === 'number' && typeof b === 'number') return sign * (a - b);
  return sign * collator.compare(text(a), text(b));
}

function isNone(value: unknown): boolean {
  return value === null || value === undefined || value === '';
}

function text(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
