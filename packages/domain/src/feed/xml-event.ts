/** What a reader folds. Names are `prefix:local` with the prefix of `qualifiedName`, all lower-case. */
export type XmlEvent =
  | {
      readonly kind: 'open';
      readonly name: string;
      readonly attributes: ReadonlyMap<string, string>;
    }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'close'; readonly name: string };

/** Namespaces that feeds use, by the prefix that our code calls them. Feeds write them in any case, with or without a last slash. */
const PREFIX_OF_NAMESPACE: ReadonlyMap<string, string> = new Map([
  // RSS has no namespace of its own; RSS 0.9, 1.0 and some generators of 2.0 give it one.
  ['', ''],
  ['http://purl.org/rss/1.0', ''],
  ['http://my.netscape.com/rdf/simple/0.9', ''],
  ['http://backend.userland.com/rss2', ''],
  ['http://www.w3.org/2005/atom', 'atom'],
  ['http://purl.org/atom/ns#', 'atom'],
  ['http://www.itunes.com/dtds/podcast-1.0.dtd', 'itunes'],
  ['http://search.yahoo.com/mrss', 'media'],
  ['http://purl.org/dc/elements/1.1', 'dc'],
  ['http://purl.org/rss/1.0/modules/content', 'content'],
  ['http://www.w3.org/1999/02/22-rdf-syntax-ns#', 'rdf'],
  ['https://podcastindex.org/namespace/1.0', 'podcast'],
  ['https://github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md', 'podcast'],
  ['http://www.w3.org/xml/1998/namespace', 'xml'],
]);

/** Prefixes that mean the same in every feed: what uses one without declaring it is still understood. */
const NAMESPACE_OF_PREFIX: ReadonlyMap<string, string> = new Map(
  [...PREFIX_OF_NAMESPACE]
    .filter(([, prefix]) => prefix !== '')
    .map(([uri, prefix]) => [prefix, uri]),
);

/** The namespace of a prefix that the document did not declare; one that nothing knows is kept apart from all others. */
export function namespaceOfUndeclaredPrefix(prefix: string): string {
  if (prefix === '') return '';
  return NAMESPACE_OF_PREFIX.get(prefix.toLowerCase()) ?? `undeclared:${prefix}`;
}

/** `prefix:local`, only `local` for RSS itself, `other:local` for namespaces that no reader knows. */
export function qualifiedName(namespaceUri: string, local: string): string {
  const uri = namespaceUri.trim().toLowerCase().replace(/\/$/, '');
  const prefix = PREFIX_OF_NAMESPACE.get(uri) ?? 'other';
  const name = local.toLowerCase();
  return prefix === '' ? name : `${prefix}:${name}`;
}
