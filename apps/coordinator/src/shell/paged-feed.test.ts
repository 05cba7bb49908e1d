import type { FeedDocument } from '@podctl/domain/feed/feed-document.ts';
import { FeedReader } from '@podctl/domain/feed/feed-reader.ts';
import { readXml } from '@podctl/domain/feed/read-xml.ts';
import { expect, test } from 'vitest';
import { readPages } from './paged-feed.ts';

const FEED = 'https://a.test/feed';

/** Documents by their URL without credentials; what is asked is kept. */
class Hosts {
  readonly asked: string[] = [];
  readonly documents = new Map<string, string>();
  nowMs = 0;

  readonly readPage = async (url: string): Promise<FeedDocument | string> => {
    this.asked.push(url);
    this.nowMs += 1_000;
    const bare = url.replace(/\/\/[^/]*@/, '//');
    const body = this.documents.get(bare);
    return body === undefined ? 'the host does not find it' : parse(bare, body);
  };
}

function parse(feedUrl: string, body: string): FeedDocument {
  const reader = new FeedReader({ feedUrl, nowMs: 0 });
  const read = readXml(new TextEncoder().encode(body), null, reader);
  if (!read.ok) throw new Error(read.error);
  return read.value;
}

const item = (guid: number) =>
  `<item><guid>${guid}</guid><enclosure url="https://cdn.test/${guid}.mp3"/></item>`;
const page = (inside: string) => `<rss><channel>${inside}</channel></rss>`;
const next = (href: string) => `<atom:link rel="next" href="${href}"/>`;

async function read(
  hosts: Hosts,
  first: string,
  some: { pagesMax?: number; itemsMax?: number; url?: string } = {},
) {
  const { pagesMax = 100, itemsMax = 100, url = FEED } = some;
  const options = { pagesMax, itemsMax, nowMs: () => hosts.nowMs, readPage: hosts.readPage };
  const document = await readPages(options, parse(FEED, first), [url, FEED]);
  const keys = document.items.map(({ key }) => Number(key));
  return { document, keys, told: document.problems.map(({ message }) => message).join() };
}

test('a feed of several pages is read whole, and an episode on two of them is one', async () => {
  const hosts = new Hosts();
  hosts.documents.set(`${FEED}?p=2`, page(item(2) + item(3) + next('?p=3')));
  hosts.documents.set(`${FEED}?p=3`, page(item(4)));
  const { keys, document } = await read(hosts, page(item(1) + item(2) + next('?p=2')));
  expect(keys).toEqual([1, 2, 3, 4]);
  expect(document).toMatchObject({ pages: 3, isPartial: false });
});

test('a feed that goes in a circle is read once round', async () => {
  const hosts = new Hosts();
  hosts.documents.set(`${FEED}?p=2`, page(item(2) + next(FEED)));
  const { keys, told, document } = await read(hosts, page(item(1) + next('?p=2')));
  expect(keys).toEqual([1, 2]);
  expect(hosts.asked).toHaveLength(1);
  expect(told).toContain('read already');
  expect(document.isPartial).toBe(false);
});

test('a feed whose host makes pages up without end is left at the first that brings nothing new', async () => {
  const hosts = new Hosts();
  for (let n = 2; n < 50; n++)
    hosts.documents.set(`${FEED}?p=${n}`, page(item(Math.min(n, 4)) + next(`?p=${n + 1}`)));
  const { keys, told } = await read(hosts, page(item(1) + next('?p=2')));
  expect(keys).toEqual([1, 2, 3, 4]);
  expect(hosts.asked).toHaveLength(4);
  expect(told).toContain('lists nothing new');
});

test('a feed of pages has limits of pages and of episodes; what is known to be missing has not vanished', async () => {
  const hosts = new Hosts();
  for (let n = 2; n < 50; n++)
    hosts.documents.set(`${FEED}?p=${n}`, page(item(n) + next(`?p=${n + 1}`)));
  const first = page(item(1) + next('?p=2'));
  const few = await read(hosts, first, { pagesMax: 3 });
  expect(few.keys).toEqual([1, 2, 3]);
  expect(few.document.isPartial).toBe(true);
  expect(few.told).toContain('limit of 3 (feeds.pagesMax)');
  const short = await read(hosts, first, { itemsMax: 2 });
  expect(short.keys).toEqual([1, 2]);
  expect(short.document.isPartial).toBe(true);
});

test('a feed of pages keeps what was read when a page fails, and says so', async () => {
  const { keys, document, told } = await read(new Hosts(), page(item(1) + next('?p=2')));
  expect(keys).toEqual([1]);
  expect(document.isPartial).toBe(true);
  expect(told).toContain('page 2 could not be read: the host does not find it');
});

test('a feed of pages gives its user and password to its own host, and to no other', async () => {
  const hosts = new Hosts();
  hosts.documents.set(`${FEED}?p=2`, page(item(2) + next('https://b.test/feed?p=3')));
  hosts.documents.set('https://b.test/feed?p=3', page(item(3)));
  const own = 'https://me:secret@a.test/feed';
  const first = page(item(1) + next('https://you:wrong@a.test/feed?p=2'));
  const { keys, told } = await read(hosts, first, { url: own });
  expect(keys).toEqual([1, 2, 3]);
  expect(hosts.asked).toEqual(['https://me:secret@a.test/feed?p=2', 'https://b.test/feed?p=3']);
  expect(told).not.toContain('secret');
});

test('a host that is slow with each of many pages does not hold the poller up for hours', async () => {
  const hosts = new Hosts();
  for (let n = 2; n < 900; n++)
    hosts.documents.set(`${FEED}?p=${n}`, page(item(n) + next(`?p=${n + 1}`)));
  const limits = { pagesMax: 1_000, itemsMax: 1_000 };
  const { document, told } = await read(hosts, page(item(1) + next('?p=2')), limits);
  expect(hosts.asked.length).toBeLessThan(310);
  expect(document.isPartial).toBe(true);
  expect(told).toContain('took longer than 300 s');
});
