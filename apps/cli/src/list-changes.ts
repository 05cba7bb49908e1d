/** One line of `--watch` with `-o jsonl`: what became of one item since the list was read before. */
export interface ListChange {
  readonly apiVersion: 'podctl/v1';
  readonly type: 'added' | 'changed' | 'removed';
  readonly item: object;
}

/** The items of a list by their names, each as JSON text. */
export type SeenItems = ReadonlyMap<string, { readonly item: object; readonly text: string }>;

export function seenItems<Item extends object>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
): SeenItems {
  return new Map(items.map((item) => [nameOf(item), { item, text: JSON.stringify(item) }]));
}

/** What differs: in the order of the new list, what is gone last. */
export function listChanges(before: SeenItems, now: SeenItems): ListChange[] {
  const changes: ListChange[] = [];
  for (const [name, { item, text }] of now) {
    const known = before.get(name);
    if (known === undefined) changes.push({ apiVersion: 'podctl/v1', type: 'added', item });
    else if (known.text !== text) changes.push({ apiVersion: 'podctl/v1', type: 'changed', item });
  }
  for (const [name, { item }] of before)
    if (!now.has(name)) changes.push({ apiVersion: 'podctl/v1', type: 'removed', item });
  return changes;
}
