import type { FeedView } from './feed-map.ts';

/** A list of feeds as OPML 2.0, with their URLs as they are shown; one that is not whole is marked, for whoever reads it back. */
export function opmlOf(feeds: readonly FeedView[]): string {
  const outlines = feeds.map(
    ({ title, url, urlIsPrivate }) =>
      `    <outline type="rss" text="${escaped(title)}" title="${escaped(title)}" xmlUrl="${escaped(url)}"${urlIsPrivate ? ' urlIsPrivate="true"' : ''}/>`,
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<opml version="2.0">',
    '  <head><title>Feeds of podctl</title></head>',
    '  <body>',
    ...outlines,
    '  </body>',
    '</opml>',
    '',
  ].join('\n');
}

const entities: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

function escaped(text: string): string {
  // Control characters are not allowed in XML 1.0, even escaped.
  return text.replace(/\p{Cc}/gu, ' ').replace(/[&<>"]/g, (one) => entities[one] ?? one);
}
