import type { FeedDocument } from '@podctl/domain/feed/feed-document.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { FEED_PARSER_LIMITS, FeedParser, type FeedParserLimits } from './feed-parser.ts';

const NEVER = new AbortController().signal;
const parsers: FeedParser[] = [];

function parserWith(some: Partial<FeedParserLimits> = {}): FeedParser {
  const parser = new FeedParser({ ...FEED_PARSER_LIMITS, ...some });
  parsers.push(parser);
  return parser;
}

afterEach(async () => {
  for (const parser of parsers.splice(0)) await parser.stop();
});

const feed = (source: string | Uint8Array, contentType: string | null = null) => ({
  bytes: typeof source === 'string' ? new TextEncoder().encode(source) : source,
  contentType,
  feedUrl: 'https://feeds.test/feed.xml',
  nowMs: Date.UTC(2026, 2, 20),
  itemsMax: 20_000,
});

const item = (guid: string, more = '') =>
  `<item><title>${more}</title><guid>${guid}</guid><enclosure url="${guid}.mp3" type="audio/mpeg"/></item>`;
const rss = (inside: string, before = '<?xml version="1.0"?>') =>
  `${before}<rss version="2.0"><channel><title>Show</title>${inside}</channel></rss>`;

async function parse(source: string | Uint8Array, contentType: string | null = null) {
  const result = await parserWith().parseFeed(feed(source, contentType), NEVER);
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

const told = (document: FeedDocument) => document.problems.map(({ message }) => message).join();
const titleOf = async (source: string) => (await parse(source)).items[0]?.title;

describe('what can be taken is taken', () => {
  test('a plain feed is read without problems', async () => {
    const document = await parse(
      rss(item('1', '<![CDATA[R&B]]> &amp; more')).replaceAll('title', 'title'),
    );
    expect(document).toMatchObject({ title: 'Show', problems: [] });
    expect(document.items[0]).toMatchObject({
      key: '1',
      title: 'R&B & more',
      enclosureUrl: 'https://feeds.test/1.mp3',
    });
  });

  test('namespaces are known by their URI, whatever the prefix, and by a prefix not declared', async () => {
    const declared = `<item xmlns:pod="http://www.itunes.com/dtds/podcast-1.0.dtd"><pod:duration>61</pod:duration>
      <pod:season>4</pod:season><enclosure url="a.mp3"/></item>`;
    const undeclared =
      '<item><itunes:duration>1:01</itunes:duration><enclosure url="b.mp3"/></item>';
    const { items, problems } = await parse(rss(declared + undeclared));
    expect(items.map((one) => one.durationSecondsEstimate)).toEqual([61, 61]);
    expect(items[0]?.season).toBe(4);
    expect(problems).toEqual([]);
  });

  test('a truncated document keeps its finished items', async () => {
    const whole = rss(item('1') + item('2') + item('3'));
    const document = await parse(whole.slice(0, whole.indexOf('<guid>3') + 6));
    expect(document.items.map(({ key }) => key)).toEqual(['1', '2']);
    expect(told(document)).toContain('1 item cut off by the end of the document');
  });

  test('a CDATA section without its end keeps the items before it', async () => {
    const document = await parse(rss(`${item('1')}<item><title><![CDATA[open</title></item>`));
    expect(document.items.map(({ key }) => key)).toEqual(['1']);
  });

  test('bare ampersands, HTML entities and control characters do no harm', async () => {
    expect(await titleOf(rss(item('1', 'Q&A &ndash; it&#146;s\u0001')))).toBe('Q&A – it’s');
  });

  test('tags left open in an item end with it', async () => {
    const document = await parse(
      rss(`<item><description><p>x<br></description>${item('1').slice(6)}${item('2')}`),
    );
    expect(document.items.map(({ key }) => key)).toEqual(['1', '2']);
    expect(told(document)).toContain('elements without their end tag');
  });

  test('white space and warnings before the XML are dropped', async () => {
    expect((await parse(`\n\n${rss(item('1'))}`)).items).toHaveLength(1);
    const warned = await parse(`<br /><b>Warning</b>: x in y on line 1${rss(item('1'))}`);
    expect(warned.items).toHaveLength(1);
    expect(warned.problems.map(({ message }) => message)).toEqual([
      'text before the XML was dropped',
    ]);
  });

  test('encodings are followed: Windows-1252 by HTTP, UTF-16 by its mark', async () => {
    const bytes = Uint8Array.from(rss(item('1', 'caf\u00e9')), (c) => c.charCodeAt(0));
    const latin = await parse(bytes, 'text/xml; charset=windows-1252');
    expect(latin.items[0]?.title).toBe('café');
    const wide = Buffer.from(`\uFEFF${rss(item('1', 'Выпуск'))}`, 'utf16le');
    expect((await parse(wide)).items[0]?.title).toBe('Выпуск');
  });

  test('a text that lies across the tokenizer’s pieces is whole', async () => {
    const title = `${'x '.repeat(200)}end`;
    const filler = `<description>${'é&amp;'.repeat(20_000)}</description>`;
    for (const pad of ['', ' ', '  ', '   ']) {
      const document = await parse(
        rss(filler + pad + item('1', title) + filler + item('2', title)),
      );
      expect(document.items.map((one) => one.title)).toEqual([title, title]);
    }
  });
});

describe('what is hostile does nothing', () => {
  test('an entity bomb stays text', async () => {
    const bomb = `<!DOCTYPE rss [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>`;
    expect(await titleOf(rss(item('1', '&c;'), bomb))).toBe('&c;');
  });

  test('an external entity is not read', async () => {
    const outside = `<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>`;
    expect(await titleOf(rss(item('1', '&x;'), outside))).toBe('&x;');
  });

  test('deep nesting and a huge attribute are survived', async () => {
    const deep = '<a>'.repeat(50_000);
    const wide = `<x y="${'z'.repeat(1_000_000)}"/>`;
    const document = await parse(rss(item('1') + wide + deep));
    expect(document.items).toHaveLength(1);
    expect(told(document)).toContain('nested too deep');
  });
});

describe('what is no feed is an error with its reason', () => {
  test.each([
    ['<!DOCTYPE html><html><body>Not found</body></html>', 'it is an HTML page, not a feed'],
    [
      '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>',
      'it is an HTML page, not a feed',
    ],
    ['{"error":"gone"}', 'it is JSON, not a feed'],
    ['', 'it is empty'],
    ['<opml/>', 'it is an OPML list of feeds, not a feed: import it instead'],
  ])('%j', async (source, error) => {
    expect(await parserWith().parseFeed(feed(source), NEVER)).toEqual({
      ok: false,
      error,
      fault: 'document',
    });
  });
});

test('films are episodes where they are wanted', async () => {
  const film = rss('<item><guid>v</guid><enclosure url="v.mp4" type="video/mp4"/></item>');
  const { items, problems } = await parse(film);
  expect(items).toEqual([]);
  expect(problems[0]?.message).toContain('feeds.media');
  const request = { ...feed(film), media: ['audio', 'video'] as const };
  const both = await parserWith().parseFeed(request, NEVER);
  expect(both.ok && both.value.items).toHaveLength(1);
});

/** Milliseconds of the processor that this thread took between two looks, at most; from now until it is asked. */
function longestTurn(): () => number {
  let [longest, before] = [0, process.threadCpuUsage()];
  const look = () => {
    const { user, system } = process.threadCpuUsage(before);
    before = process.threadCpuUsage();
    longest = Math.max(longest, user + system);
  };
  const timer = setInterval(look, 1);
  return () => {
    clearInterval(timer);
    look();
    return longest / 1_000;
  };
}

describe('limits', () => {
  const large = rss(Array.from({ length: 60_000 }, (_, i) => item(`${i}`)).join(''));

  test('a document over the limit of bytes is not parsed', async () => {
    const result = await parserWith({ bytesMax: 10 }).parseFeed(feed('<rss></rss>'), NEVER);
    expect(result).toEqual({
      ok: false,
      error: 'it has more than 10 bytes, the limit',
      fault: 'size',
    });
  });

  test('a document that takes too long is given up, and the next one is parsed', async () => {
    const limits = { ...FEED_PARSER_LIMITS, parseMs: 1 };
    const parser = new FeedParser(limits);
    parsers.push(parser);
    const slow = await parser.parseFeed(feed(large), NEVER);
    expect(slow).toEqual({
      ok: false,
      error: 'it took longer than 0.001 s to parse, the limit',
      fault: 'parser',
    });
    limits.parseMs = FEED_PARSER_LIMITS.parseMs;
    expect(await parser.parseFeed(feed(rss(item('1'))), NEVER)).toMatchObject({ ok: true });
  });

  test('a document that the thread does not survive fails alone', async () => {
    const parser = parserWith({ heapMegabytesMax: 8 });
    const [crashed, next] = await Promise.all([
      parser.parseFeed(feed(large), NEVER),
      parser.parseFeed(feed(rss(item('1'))), NEVER),
    ]);
    expect(crashed).toMatchObject({
      ok: false,
      error: expect.stringContaining('did not survive'),
      fault: 'parser',
    });
    expect(next).toMatchObject({ ok: true });
  });

  test('more documents than the queue holds are refused at once', async () => {
    const parser = parserWith({ queueMax: 1 });
    const all = await Promise.all([1, 2, 3].map(() => parser.parseFeed(feed(rss('')), NEVER)));
    expect(all.map(({ ok }) => ok)).toEqual([true, true, false]);
  });

  test('items beyond the limit are left out, and the loop is never held up meanwhile', async () => {
    const title = 'я'.repeat(1_400);
    const long = Array.from({ length: 20_500 }, (_, i) => item(`${i}`, title));
    const request = feed(rss(long.join('')));
    const parser = parserWith();
    await parser.parseFeed(feed(rss('')), NEVER);
    const longestMs = longestTurn();
    const parsed = await parser.parseFeed(request, NEVER);
    const heldMs = longestMs();
    if (!parsed.ok) throw new Error(parsed.error);
    const document = parsed.value;
    expect(document.items).toHaveLength(20_000);
    expect(document.problems.map(({ message }) => message)).toEqual([
      '500 items beyond the limit of 20000 left out',
    ]);
    // Of this thread's own work, well below the 50 ms that are promised; all items in one piece take 50 and more.
    expect(heldMs).toBeLessThan(40);
  });
});

describe('an end from outside', () => {
  test('an abort rejects with its reason, and the parser goes on', async () => {
    const parser = parserWith();
    const abort = new AbortController();
    const running = parser.parseFeed(feed(rss('')), abort.signal);
    const waiting = parser.parseFeed(feed(rss('')), abort.signal);
    abort.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    await expect(waiting).rejects.toThrow('enough');
    await expect(parser.parseFeed(feed(rss('')), abort.signal)).rejects.toThrow('enough');
    expect(await parser.parseFeed(feed(rss(item('1'))), NEVER)).toMatchObject({ ok: true });
  });

  test('a stop ends what runs and what waits with an error; it is safe twice and before a start', async () => {
    const parser = parserWith();
    await parserWith().stop();
    const jobs = [parser.parseFeed(feed(rss('')), NEVER), parser.parseFeed(feed(rss('')), NEVER)];
    await parser.stop();
    await parser.stop();
    const stopped = { ok: false, error: 'the coordinator is stopping', fault: 'parser' };
    expect(await Promise.all(jobs)).toEqual([stopped, stopped]);
    expect(await parser.parseFeed(feed(rss('')), NEVER)).toEqual(stopped);
  });
});
