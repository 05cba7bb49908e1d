import { expect, test } from 'vitest';
import { OpmlReader } from './opml.ts';
import type { XmlEvent } from './xml-event.ts';

const open = (name: string, attributes: Record<string, string> = {}): XmlEvent => ({
  kind: 'open',
  name,
  attributes: new Map(Object.entries(attributes)),
});
const close: XmlEvent = { kind: 'close' };

function read(events: readonly XmlEvent[], options = {}) {
  const reader = new OpmlReader({ baseUrl: null, feedsMax: 100, ...options });
  for (const event of events) reader.read(event);
  return reader.end();
}

const outline = (attributes: Record<string, string>) => [open('outline', attributes), close];

test('feeds are found at any depth, whatever their type, with text before title', () => {
  const list = read([
    open('opml'),
    open('outline', { text: 'folder' }),
    open('outline', { text: 'inner' }),
    ...outline({ xmlurl: ' https://a.test/feed ', text: 'A', title: 'not A', type: 'RSS' }),
    close,
    close,
    ...outline({ xmlurl: 'https://b.test/feed', title: 'B' }),
    ...outline({ url: 'https://c.test/', type: 'link', text: 'C' }),
    ...outline({ xmlurl: '', text: 'D' }),
    close,
  ]);
  expect(list).toEqual({
    ok: true,
    value: {
      feeds: [
        { url: 'https://a.test/feed', title: 'A' },
        { url: 'https://b.test/feed', title: 'B' },
      ],
      problems: [],
    },
  });
});

test('a feed listed twice is taken once; one that is not http is left out, and said', () => {
  const list = read([
    open('opml'),
    ...outline({ xmlurl: 'https://a.test/feed' }),
    ...outline({ xmlurl: 'HTTPS://A.test:443/feed' }),
    ...outline({ xmlurl: 'file:///etc/passwd' }),
  ]);
  expect(list.ok && list.value).toMatchObject({
    feeds: [{ url: 'https://a.test/feed', title: '' }],
    problems: expect.arrayContaining([
      expect.objectContaining({ message: '1 feed listed more than once, taken once' }),
      expect.objectContaining({ message: '1 feed left out: the URL is not http or https' }),
    ]),
  });
});

test('relative URLs are resolved against where the list came from', () => {
  const baseUrl = 'http://127.0.0.1:9/lists/sample.opml';
  const list = read([open('opml'), ...outline({ xmlurl: 'a/feed.xml' })], { baseUrl });
  expect(list.ok && list.value.feeds[0]?.url).toBe('http://127.0.0.1:9/lists/a/feed.xml');
});

test('feeds beyond the limit are left out, and said', () => {
  const many = [1, 2, 3].flatMap((n) => outline({ xmlurl: `https://${n}.test/` }));
  const list = read([open('opml'), ...many, close], { feedsMax: 2 });
  expect(list.ok && list.value.feeds).toHaveLength(2);
  expect(list.ok && list.value.problems.map(({ message }) => message)).toEqual([
    '1 feed left out: the limit is 2',
  ]);
});

test('what is no OPML is refused', () => {
  expect(read([open('rss')]).ok).toBe(false);
  expect(read([]).ok).toBe(false);
});

test('a list that breaks off is read as far as it goes, and says so', () => {
  const list = read([open('opml'), ...outline({ xmlurl: 'https://a.test/feed' })]);
  expect(list.ok && list.value.problems).toEqual([
    { kind: 'lost', message: 'the list breaks off before its end', count: 1, place: null },
  ]);
});

test('a feed that our own export wrote without its secret is not added a second time', () => {
  const list = read([
    open('opml'),
    ...outline({ xmlurl: 'https://a.test/feed', urlisprivate: 'true' }),
    close,
  ]);
  expect(list).toMatchObject({ ok: true, value: { feeds: [] } });
  expect(list.ok && list.value.problems[0]?.message).toContain('1 feed left out: the list has');
});
