/** The attributes of an element by their name in lower case, with the prefix of `qualifiedName` where they have one. */
export interface XmlAttributes {
  get(name: string): string | undefined;
}

/** What a reader folds. Names are `prefix:local` with the prefix of `qualifiedName`, all lower-case. */
export type XmlEvent =
  | { readonly kind: 'open'; readonly name: string; readonly attributes: XmlAttributes }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'close' };

/** Namespaces that feeds use, by the prefix that our code calls them. Feeds write them in any case, by http or https, with or without a last slash. */
const PREFIX_OF_NAMESPACE: ReadonlyMap<string, string> = new Map([
  // RSS has no namespace of its own; RSS 0.9, 1.0 and some generators of 2.0 give it one.
  ['', ''],
  ['purl.org/rss/1.0', ''],
  ['purl.org/net/rss1.1#', ''],
  ['my.netscape.com/rdf/simple/0.9', ''],
  ['channel.netscape.com/rdf/simple/0.9', ''],
  ['my.netscape.com/publish/formats/rss-0.91.dtd', ''],
  ['backend.userland.com/rss', ''],
  ['backend.userland.com/rss2', ''],
  ['blogs.law.harvard.edu/tech/rss', ''],
  ['cyber.law.harvard.edu/rss/rss.html', ''],
  ['www.w3.org/2005/atom', 'atom'],
  ['purl.org/atom/ns#', 'atom'],
  ['www.itunes.com/dtds/podcast-1.0.dtd', 'itunes'],
  ['search.yahoo.com/mrss', 'media'],
  ['search.yahoo.com/mrss/feeds', 'media'],
  ['purl.org/dc/elements/1.1', 'dc'],
  ['purl.org/dc/terms', 'dcterms'],
  ['purl.org/rss/1.0/modules/content', 'content'],
  ['purl.org/rss/1.0/modules/syndication', 'sy'],
  ['purl.org/net/rss_2.0/enc#', 'enc'],
  ['www.w3.org/1999/02/22-rdf-syntax-ns#', 'rdf'],
  ['podcastindex.org/namespace/1.0', 'podcast'],
  ['github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md', 'podcast'],
  ['www.w3.org/xml/1998/namespace', 'xml'],
  ['www.w3.org/1999/xhtml', 'xhtml'],
]);

/** Prefixes that mean the same in every feed: what uses one without declaring it is still understood. */
const NAMESPACE_OF_PREFIX: ReadonlyMap<string, string> = new Map(
  [...PREFIX_OF_NAMESPACE]
    .filter(([, prefix]) => prefix !== '')
    .map(([uri, prefix]) => [prefix, `http://${uri}`]),
);

/** The namespace of a prefix that the document did not declare; one that nothing knows is kept apart from all others. */
export function namespaceOfUndeclaredPrefix(prefix: string): string {
  if (prefix === '') return '';
  return NAMESPACE_OF_PREFIX.get(prefix.toLowerCase()) ?? `undeclared:${prefix}`;
}

/**
 * `prefix:local`, only `local` for RSS itself, `other:local` for namespaces that no reader knows. Where the URI is not
 * known, but the prefix that the document writes is one of ours, the URI is a misspelling.
 */
export function qualifiedName(namespaceUri: string, local: string, writtenPrefix = ''): string {
  const uri = namespaceUri
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/\/$/, '');
  const prefix = PREFIX_OF_NAMESPACE.get(uri) ?? prefixByItself(writtenPrefix);
  const name = local.toLowerCase();
  return prefix === '' ? name : `${prefix}:${name}`;
}

function prefixByItself(written: string): string {
  const prefix = written.toLowerCase();
  return NAMESPACE_OF_PREFIX.has(prefix) ? prefix : 'other';
}
