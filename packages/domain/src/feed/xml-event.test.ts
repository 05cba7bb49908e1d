import { expect, test } from 'vitest';
import { namespaceOfUndeclaredPrefix, qualifiedName } from './xml-event.ts';

test('a name gets the prefix of its namespace, however the feed spells either', () => {
  expect(qualifiedName('http://www.itunes.com/DTDs/Podcast-1.0.dtd', 'episodeType')).toBe(
    'itunes:episodetype',
  );
  expect(qualifiedName('http://search.yahoo.com/mrss/', 'content')).toBe('media:content');
  expect(qualifiedName('', 'pubDate')).toBe('pubdate');
  expect(qualifiedName('http://purl.org/rss/1.0/', 'item')).toBe('item');
});

test('an element of an unknown namespace is never taken for one of RSS', () => {
  expect(qualifiedName('urn:example', 'item')).toBe('other:item');
});

test('a prefix that was not declared is understood when it is well known', () => {
  expect(qualifiedName(namespaceOfUndeclaredPrefix('itunes'), 'title')).toBe('itunes:title');
  expect(qualifiedName(namespaceOfUndeclaredPrefix('foo'), 'title')).toBe('other:title');
  expect(qualifiedName(namespaceOfUndeclaredPrefix(''), 'title')).toBe('title');
});
