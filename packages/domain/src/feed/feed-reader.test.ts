import { describe, expect, test } from 'vitest';
import { FEED_LIMITS, type FeedDocument, type FeedLimits } from './feed-document.ts';
import { FeedReader, type FeedReaderOptions } from './feed-reader.ts';
import type { XmlEvent } from './xml-event.ts';

type Element = (
  name: string,
  attributes?: Record<string, string>,
  ...inside: Inside[]
) => XmlEvent[];
type Inside = string | XmlEvent[];

const element: Element = (name, attributes = {}, ...inside) => [
  { kind: 'open', name, attributes: new Map(Object.entries(attributes)) },
  ...inside.flatMap((part): XmlEvent[] =>
    typeof part === 'string' ? [{ kind: 'text', text: part }] : part,
  ),
  { kind: 'close' },
];

const text = (name: string, value: string) => element(name, {}, value);
const item = (...inside: Inside[]) => element('item', {}, ...inside);
const rss = (...inside: Inside[]) => element('rss', {}, element('channel', {}, ...inside));
const audio = (url: string) => element('enclosure', { url, type: 'audio/mpeg', length: '1234' });

const OPTIONS: FeedReaderOptions = {
  feedUrl: 'https://feeds.test/show/feed.xml',
  nowMs: Date.UTC(2026, 2, 20),
};

function readAll(events: readonly XmlEvent[], options: Partial<FeedReaderOptions> = {}) {
  const reader = new FeedReader({ ...OPTIONS, ...options });
  for (const event of events) reader.read(event);
  return reader.end();
}

function read(events: readonly XmlEvent[], options: Partial<FeedReaderOptions> = {}): FeedDocument {
  const result = readAll(events, options);
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

const limits = (some: Partial<FeedLimits>) => ({ limits: { ...FEED_LIMITS, ...some } });

test('an item of a plain feed is read whole', () => {
  const document = read(
    rss(
      text('title', ' The  Show '),
      item(
        text('title', 'One'),
        text('guid', ' g-1 '),
        text('pubdate', 'Tue, 17 Mar 2026 06:00:00 +0000'),
        audio('one.mp3'),
        text('itunes:duration', '00:34'),
        text('itunes:season', '2'),
        text('itunes:episode', '3'),
        text('itunes:episodetype', 'Bonus'),
      ),
    ),
  );
  expect(document).toEqual({
    title: 'The Show',
    items: [
      {
        key: 'g-1',
        guid: 'g-1',
        title: 'One',
        publishedMs: Date.UTC(2026, 2, 17, 6),
        enclosureUrl: 'https://feeds.test/show/one.mp3',
        enclosureType: 'audio/mpeg',
        lengthBytes: 1234,
        durationSecondsEstimate: 34,
        season: 2,
        episodeNumber: 3,
        episodeType: 'bonus',
      },
    ],
    itemsSeen: 1,
    problems: [],
    nextPageUrl: null,
    selfUrl: null,
    newFeedUrl: null,
    isPartial: false,
  });
});

describe('identity', () => {
  test('two items with one title are two episodes', () => {
    const two = [text('title', 'Выпуск'), audio('a.mp3')];
    const { items } = read(rss(item(text('guid', '1'), ...two), item(text('guid', '2'), ...two)));
    expect(items.map(({ key }) => key)).toEqual(['1', '2']);
  });

  test('one key listed twice is one episode, which keeps what the second alone knows', () => {
    const { items, problems } = read(
      rss(
        item(text('guid', 'g'), audio('old.mp3')),
        item(text('guid', 'g'), audio('new.mp3'), text('title', 'Late')),
      ),
    );
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({
      title: 'Late',
      enclosureUrl: 'https://feeds.test/show/old.mp3',
    });
    expect(problems.map(({ message }) => message)).toEqual([
      '1 item with the key of an earlier one merged into it',
    ]);
  });

  test('without a GUID the key is the enclosure URL without its trackers', () => {
    const url = (prefix: string) => audio(`https://${prefix}cdn.example.com/a.mp3`);
    const { items } = read(rss(item(url('')), item(text('guid', ' '), url('pdst.fm/e/'))));
    expect(items.map(({ key, guid }) => [key, guid])).toEqual([
      ['https://cdn.example.com/a.mp3', null],
    ]);
  });

  test('the first GUID that is not empty counts', () => {
    const guids = [text('guid', ''), text('guid', 'a'), text('guid', 'b')];
    expect(read(rss(item(...guids, audio('a.mp3')))).items[0]?.key).toBe('a');
  });
});

describe('enclosures', () => {
  const chosen = (...inside: Inside[]) => read(rss(item(...inside))).items[0]?.enclosureUrl ?? null;

  test('an item without one is no episode, and is counted', () => {
    const document = read(rss(item(text('title', 'News')), item(element('enclosure', {}))));
    expect(document.items).toEqual([]);
    expect(document.itemsSeen).toBe(2);
    expect(document.problems.map(({ message }) => message)).toEqual([
      '2 items without audio passed over',
    ]);
  });

  test('audio is chosen before an image that stands first', () => {
    const image = element('enclosure', { url: 'https://x.test/a.jpg', type: 'image/jpeg' });
    expect(chosen(image, audio('https://x.test/a.mp3'))).toBe('https://x.test/a.mp3');
    expect(chosen(image)).toBeNull();
  });

  test('a type that is missing, generic or wrong does not hide audio', () => {
    for (const type of ['', 'application/octet-stream', 'audio', 'text/plain', 'x-audio/mp3']) {
      expect(chosen(element('enclosure', { url: 'https://x.test/a.mp3', type }))).not.toBeNull();
    }
    expect(chosen(element('enclosure', { url: 'https://x.test/play?id=1' }))).not.toBeNull();
    expect(chosen(element('enclosure', { url: 'https://x.test/a.pdf' }))).toBeNull();
    expect(chosen(element('enclosure', { url: 'https://x.test/', type: 'text/html' }))).toBeNull();
  });

  test('media:content, also in a group, stands in for a missing enclosure', () => {
    const media = element('media:content', { url: 'https://x.test/m.mp3', medium: 'audio' });
    const image = element('media:content', { url: 'https://x.test/m', medium: 'image' });
    expect(chosen(element('media:group', {}, image, media))).toBe('https://x.test/m.mp3');
    expect(chosen(media, audio('https://x.test/e.mp3'))).toBe('https://x.test/e.mp3');
    expect(chosen(image)).toBeNull();
  });

  test('video counts only when it is wanted', () => {
    const events = rss(
      item(element('enclosure', { url: 'https://x.test/v.mp4', type: 'video/mp4' })),
    );
    expect(read(events).items).toHaveLength(0);
    expect(read(events, { media: ['audio', 'video'] }).items).toHaveLength(1);
  });

  test('those of an alternate or a live item are not the item’s own', () => {
    const alternate = element('podcast:alternateenclosure', {}, audio('https://x.test/alt.mp3'));
    expect(chosen(alternate)).toBeNull();
    const live = element(
      'podcast:liveitem',
      {},
      text('guid', 'live'),
      audio('https://x.test/l.mp3'),
    );
    expect(read(rss(live)).items).toEqual([]);
  });

  test('only http and https are taken', () => {
    expect(chosen(audio('ftp://x.test/a.mp3'))).toBeNull();
    expect(chosen(audio('file:///a.mp3'))).toBeNull();
  });
});

test('an Atom entry with an enclosure link is an episode', () => {
  const link = element('atom:link', { rel: 'enclosure', href: '/a.mp3', type: 'audio/mpeg' });
  const entry = element(
    'atom:entry',
    {},
    text('atom:id', 'urn:1'),
    text('atom:title', 'One'),
    text('atom:updated', '2026-03-17T06:00:00Z'),
    link,
  );
  const { title, items } = read(element('atom:feed', {}, text('atom:title', 'Show'), entry));
  expect(title).toBe('Show');
  expect(items[0]).toMatchObject({ key: 'urn:1', enclosureUrl: 'https://feeds.test/a.mp3' });
  expect(items[0]?.publishedMs).toBe(Date.UTC(2026, 2, 17, 6));
});

test('the page of an item is found in RSS and in Atom, and its own alone', () => {
  const atom = (rel: string, href: string) => element('atom:link', { rel, href });
  const linksOf = (...items: Parameters<typeof rss>) =>
    read(rss(text('link', 'https://show.test/'), ...items)).items.map((one) => one.link);
  expect(
    linksOf(
      item(audio('1.mp3'), text('guid', '1'), text('link', ' https://show.test/1?a=b ')),
      item(audio('2.mp3'), text('guid', '2'), atom('self', '/no'), atom('alternate', '/2')),
      item(audio('3.mp3'), text('guid', '3'), text('link', 'javascript:alert(1)')),
      item(audio('4.mp3'), text('guid', '4')),
    ),
  ).toEqual(['https://show.test/1?a=b', 'https://feeds.test/2', undefined, undefined]);
});

test('self, next page and new URL are found among the links of the feed, not of its items', () => {
  const link = (rel: string, href: string) => element('atom:link', { rel, href });
  const document = read(
    rss(
      link('payment', 'https://pay.test/'),
      link('self', 'https://feeds.test/show/feed.xml'),
      link('next', '?page=2'),
      text('itunes:new-feed-url', 'https://new.test/feed.xml'),
      element('image', {}, text('title', 'Not the title')),
      item(link('next', 'https://wrong.test/'), audio('a.mp3')),
    ),
  );
  expect(document.title).toBe('');
  expect(document.selfUrl).toBe('https://feeds.test/show/feed.xml');
  expect(document.nextPageUrl).toBe('https://feeds.test/show/feed.xml?page=2');
  expect(document.newFeedUrl).toBe('https://new.test/feed.xml');
});

test('a next page that is the page itself is none', () => {
  const next = element('atom:link', { rel: 'next', href: OPTIONS.feedUrl });
  expect(read(rss(next)).nextPageUrl).toBeNull();
});

describe('a document that breaks off', () => {
  const whole = item(text('guid', '1'), audio('1.mp3'));
  const prefix = rss(whole).slice(0, -2);

  test('keeps the items before', () => {
    const { items, problems } = read([...prefix, ...item(text('title', 'x')).slice(0, 2)]);
    expect(items.map(({ key }) => key)).toEqual(['1']);
    expect(problems.map(({ message }) => message)).toEqual([
      '1 item cut off by the end of the document',
    ]);
  });

  test('keeps the last item only if its GUID was read: its key must not change later', () => {
    const open = item(text('guid', '2'), audio('2.mp3')).slice(0, -1);
    expect(read([...prefix, ...open]).items.map(({ key }) => key)).toEqual(['1', '2']);
    const early = item(audio('2.mp3'), text('guid', 'whole-gu')).slice(0, -2);
    expect(read([...prefix, ...early]).items.map(({ key }) => key)).toEqual(['1']);
  });
});

describe('limits', () => {
  test('items beyond the limit are left out, and said', () => {
    const many = ['1', '2', '3'].map((guid) => item(text('guid', guid), audio(`${guid}.mp3`)));
    const { items, problems } = read(rss(...many), limits({ itemsMax: 2 }));
    expect(items).toHaveLength(2);
    expect(problems.map(({ message }) => message)).toEqual([
      '1 item beyond the limit of 2 left out',
    ]);
  });

  test('a long title is cut; a long GUID counts as absent, since two could be cut alike', () => {
    const long = item(text('title', 'abcdefgh'), text('guid', 'x'.repeat(9)), audio('a.mp3'));
    const { items } = read(rss(long), limits({ textLengthMax: 5 }));
    expect(items[0]).toMatchObject({ title: 'abcde', guid: null });
  });

  test('what is nested deeper than the limit is not looked at, and what follows is', () => {
    const deep = (n: number): XmlEvent[] =>
      n === 0 ? audio('deep.mp3') : element('x', {}, deep(n - 1));
    const after = item(text('guid', '1'), audio('1.mp3'));
    const { items, itemsSeen } = read(rss(item(deep(50)), after), limits({ depthMax: 20 }));
    expect(items.map(({ key }) => key)).toEqual(['1']);
    expect(itemsSeen).toBe(2);
  });
});

describe('what is no feed is refused with the reason', () => {
  test.each([
    [element('html', {}), 'it is an HTML page, not a feed'],
    [element('opml', {}), 'it is an OPML list of feeds, not a feed: import it instead'],
    [element('error', {}), 'its root element is <error>; a feed begins with <rss> or <feed>'],
    [[], 'it holds no XML, so it is not a feed'],
  ])('%#', (events, error) => {
    expect(readAll(events)).toEqual({ ok: false, error });
  });

  test('an empty feed is a feed', () => {
    expect(read(rss()).items).toEqual([]);
  });
});
