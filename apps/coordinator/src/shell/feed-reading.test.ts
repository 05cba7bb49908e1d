import { FeedReader } from '@podctl/domain/feed/feed-reader.ts';
import { readXml } from '@podctl/domain/feed/read-xml.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { describe, expect, test } from 'vitest';
import type { FeedOutcome } from '../core/feed-verdict.ts';
import { readFeed } from './feed-reading.ts';
import type { FeedSource } from './feed-source.ts';

const NEVER = new AbortController().signal;
type Response = Extract<FeedOutcome, { kind: 'response' }>;

function answer(url: string, body: string, status = 200): Response {
  return {
    kind: 'response',
    status,
    contentType: null,
    retryAfter: null,
    etag: `"${url}"`,
    lastModified: null,
    finalUrl: url.replace(/\/\/[^/]*@/, '//'),
    movedTo: null,
    body: new TextEncoder().encode(body),
    wireBytes: body.length,
  };
}

/** Hosts as a map of documents; what is asked is kept. Credentials in the URL are looked for, but not part of its name. */
class Hosts implements FeedSource {
  readonly name = 'hosts';
  readonly asked: string[] = [];
  readonly documents = new Map<string, string>();
  async start() {}
  async stop() {}
  async fetch({ url }: { readonly url: string }): Promise<FeedOutcome> {
    this.asked.push(url);
    const body = this.documents.get(url.replace(/\/\/[^/]*@/, '//'));
    return answer(url, body ?? '', body === undefined ? 404 : 200);
  }
  async parse({ bytes, feedUrl, nowMs }: Parameters<FeedSource['parse']>[0]) {
    const read = readXml(bytes, null, new FeedReader({ feedUrl, nowMs }));
    return read.ok ? read : { ...read, fault: 'document' as const };
  }
}

const item = (guid: number) =>
  `<item><guid>${guid}</guid><enclosure url="https://cdn.test/${guid}.mp3"/></item>`;
const page = (inside: string) => `<rss><channel>${inside}</channel></rss>`;
const next = (href: string) => `<atom:link rel="next" href="${href}"/>`;
const movedTo = (url: string) => `<itunes:new-feed-url>${url}</itunes:new-feed-url>`;

async function read(
  hosts: Hosts,
  url: string,
  first: string,
  some: { pagesMax?: number; itemsMax?: number } = {},
) {
  const { pagesMax = 100, itemsMax = 100 } = some;
  const reading = { pagesMax, media: ['audio'] as const };
  const options = { clock: new ManualClock(), feeds: hosts, itemsMax, reading };
  const outcome = await readFeed(options, { url }, answer(url, first), NEVER);
  if (!outcome.ok) throw new Error(outcome.error);
  const { document } = outcome.value;
  const keys = document.items.map(({ key }) => Number(key));
  return { ...outcome.value, keys, told: document.problems.map(({ message }) => message).join() };
}

const URL_A = 'https://a.test/feed';

describe('a feed of several pages', () => {
  test('is read whole, and an episode on two of them is one', async () => {
    const hosts = new Hosts();
    hosts.documents.set(`${URL_A}?p=2`, page(item(2) + item(3) + next('?p=3')));
    hosts.documents.set(`${URL_A}?p=3`, page(item(4)));
    const { keys, document } = await read(hosts, URL_A, page(item(1) + item(2) + next('?p=2')));
    expect(keys).toEqual([1, 2, 3, 4]);
    expect(document).toMatchObject({ pages: 3, isPartial: false });
  });

  test('that goes in a circle is read once round', async () => {
    const hosts = new Hosts();
    hosts.documents.set(`${URL_A}?p=2`, page(item(2) + next(URL_A)));
    const { keys, told, document } = await read(hosts, URL_A, page(item(1) + next('?p=2')));
    expect(keys).toEqual([1, 2]);
    expect(hosts.asked).toHaveLength(1);
    expect(told).toContain('read already');
    expect(document.isPartial).toBe(false);
  });

  test('whose host makes pages up without end is left at the first that brings nothing new', async () => {
    const hosts = new Hosts();
    for (let n = 2; n < 50; n++)
      hosts.documents.set(`${URL_A}?p=${n}`, page(item(Math.min(n, 4)) + next(`?p=${n + 1}`)));
    const { keys, told } = await read(hosts, URL_A, page(item(1) + next('?p=2')));
    expect(keys).toEqual([1, 2, 3, 4]);
    expect(hosts.asked).toHaveLength(4);
    expect(told).toContain('lists nothing new');
  });

  test('has limits of pages and of episodes; what is known to be missing has not vanished', async () => {
    const hosts = new Hosts();
    for (let n = 2; n < 50; n++)
      hosts.documents.set(`${URL_A}?p=${n}`, page(item(n) + next(`?p=${n + 1}`)));
    const first = page(item(1) + next('?p=2'));
    const few = await read(hosts, URL_A, first, { pagesMax: 3 });
    expect(few.keys).toEqual([1, 2, 3]);
    expect(few.document.isPartial).toBe(true);
    expect(few.told).toContain('limit of 3 (feeds.pagesMax)');
    const short = await read(hosts, URL_A, first, { itemsMax: 2 });
    expect(short.keys).toEqual([1, 2]);
    expect(short.document.isPartial).toBe(true);
  });

  test('keeps what was read when a page fails, and says so', async () => {
    const { keys, document, told } = await read(new Hosts(), URL_A, page(item(1) + next('?p=2')));
    expect(keys).toEqual([1]);
    expect(document.isPartial).toBe(true);
    expect(told).toContain('page 2 could not be read: the host does not find the feed');
  });

  test('gives its user and password to its own host, and to no other', async () => {
    const hosts = new Hosts();
    hosts.documents.set(`${URL_A}?p=2`, page(item(2) + next('https://b.test/feed?p=3')));
    hosts.documents.set('https://b.test/feed?p=3', page(item(3)));
    const own = 'https://me:secret@a.test/feed';
    const first = page(item(1) + next('https://you:wrong@a.test/feed?p=2'));
    const { keys, told } = await read(hosts, own, first);
    expect(keys).toEqual([1, 2, 3]);
    expect(hosts.asked).toEqual(['https://me:secret@a.test/feed?p=2', 'https://b.test/feed?p=3']);
    expect(told).not.toContain('secret');
  });
});

describe('a feed that says that it moved', () => {
  test('is read there, with the validators of there, and keeps its own user there only on its host', async () => {
    const hosts = new Hosts();
    hosts.documents.set('https://b.test/new', page(item(1) + item(2) + next('?p=2')));
    hosts.documents.set('https://b.test/new?p=2', page(item(3)));
    const own = 'https://me:secret@a.test/feed';
    const moved = await read(hosts, own, page(item(1) + movedTo('https://b.test/new')));
    expect(moved.keys).toEqual([1, 2, 3]);
    expect(moved.movedTo).toBe('https://b.test/new');
    expect(moved.response.etag).toBe('"https://b.test/new"');
    expect(hosts.asked).toEqual(['https://b.test/new', 'https://b.test/new?p=2']);
  });

  test('stays where it is when that is itself, another circle, or nothing that can be read', async () => {
    const hosts = new Hosts();
    hosts.documents.set('https://b.test/new', page(item(2) + movedTo(URL_A)));
    expect((await read(hosts, URL_A, page(item(1) + movedTo(`${URL_A}#x`)))).movedTo).toBeNull();
    const circle = await read(hosts, URL_A, page(item(1) + movedTo('https://b.test/new')));
    expect(circle.movedTo).toBeNull();
    expect(circle.told).toContain('in a circle');
    const gone = await read(hosts, URL_A, page(item(1) + movedTo('https://c.test/none')));
    expect(gone.movedTo).toBeNull();
    expect(gone.keys).toEqual([1]);
    expect(gone.told).toContain('could not be read: the host does not find the feed');
  });

  test('is not followed from place to place without end', async () => {
    const hosts = new Hosts();
    for (let n = 1; n < 20; n++)
      hosts.documents.set(
        `https://h${n}.test/`,
        page(item(n) + movedTo(`https://h${n + 1}.test/`)),
      );
    const { told } = await read(hosts, URL_A, page(item(1) + movedTo('https://h1.test/')));
    expect(hosts.asked).toHaveLength(3);
    expect(told).toContain('moved more than 3 times');
  });
});
