import { OpmlReader } from '@podctl/domain/feed/opml.ts';
import { expect, test } from 'vitest';
import { readXml } from './xml.ts';

const opml = (source: string) =>
  readXml(new TextEncoder().encode(source), null, new OpmlReader({ baseUrl: null, feedsMax: 10 }));

test('an OPML list is read, with attribute names in any case', () => {
  const source = `<opml version="2.0"><body><outline text="A &amp; B" XMLURL="https://a.test/feed"/></body></opml>`;
  expect(opml(source)).toEqual({
    ok: true,
    value: { feeds: [{ url: 'https://a.test/feed', title: 'A & B' }], problems: [] },
  });
});

test('what can be read of a broken list is read, and what was lost is said', () => {
  const read = opml('<opml><body><outline xmlUrl="https://a.test/feed"><outline xmlUrl="https');
  expect(read).toMatchObject({ ok: true, value: { feeds: [{ url: 'https://a.test/feed' }] } });
  expect(read.ok && read.value.problems.length).toBeGreaterThan(0);
});

test('an entity is never expanded', () => {
  const bomb =
    '<!DOCTYPE x [<!ENTITY a "https://a.test/feed">]><opml><body><outline xmlUrl="&a;"/></body></opml>';
  const read = opml(bomb);
  expect(read.ok && read.value.feeds).toEqual([]);
});

test('an empty document is an error', () => {
  expect(opml('')).toEqual({ ok: false, error: 'it is empty' });
});
