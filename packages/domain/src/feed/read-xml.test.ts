import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FeedReader } from './feed-reader.ts';
import { OpmlReader } from './opml.ts';
import { readXml } from './read-xml.ts';

const encode = (text: string) => new TextEncoder().encode(text);
const NOW = Date.UTC(2026, 2, 20);

function parse(source: string | Uint8Array) {
  const bytes = typeof source === 'string' ? encode(source) : source;
  return readXml(bytes, null, new FeedReader({ feedUrl: 'https://h.test/feed', nowMs: NOW }));
}

function read(source: string | Uint8Array) {
  const result = parse(source);
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

const keysOf = (source: string | Uint8Array) => read(source).items.map(({ key }) => key);
const toldOf = (source: string) =>
  read(source)
    .problems.map(({ message }) => message)
    .join('; ');
const item = (guid: string, more = '') =>
  `<item>${more}<guid>${guid}</guid><enclosure url="https://h.test/${guid}.mp3"/></item>\n`;
const rss = (inside: string, before = '<?xml version="1.0"?>') =>
  `${before}<rss version="2.0"><channel><title>Show</title>${inside}</channel></rss>`;

describe('an OPML list', () => {
  const opml = (source: string) =>
    readXml(encode(source), null, new OpmlReader({ baseUrl: null, feedsMax: 10 }));

  test('is read, with attribute names in any case', () => {
    const source = `<opml version="2.0"><body><outline text="A &amp; B" XMLURL="https://a.test/feed"/></body></opml>`;
    expect(opml(source)).toEqual({
      ok: true,
      value: { feeds: [{ url: 'https://a.test/feed', title: 'A & B' }], problems: [] },
    });
  });

  test('that is broken is read as far as it goes, and what was lost is said', () => {
    const list = opml('<opml><body><outline xmlUrl="https://a.test/feed"><outline xmlUrl="https');
    expect(list).toMatchObject({ ok: true, value: { feeds: [{ url: 'https://a.test/feed' }] } });
    expect(list.ok && list.value.problems.map(({ kind }) => kind)).toContain('lost');
  });

  test('expands no entity', () => {
    const bomb =
      '<!DOCTYPE x [<!ENTITY a "https://a.test/feed">]><opml><body><outline xmlUrl="&a;"/></body></opml>';
    const list = opml(bomb);
    expect(list.ok && list.value.feeds).toEqual([]);
  });
});

test('an empty document is an error', () => {
  expect(parse('')).toEqual({ ok: false, error: 'it is empty' });
});

describe('what has lost its end takes nothing along', () => {
  test.each([
    ['an item', item('1').replace('</item>', ''), 'items without their end tag'],
    ['a title', item('1', '<title>T'), 'elements without their end tag'],
    ['a CDATA section', item('1', '<x><![CDATA[y</x>'), 'CDATA sections without their end'],
    ['a CDATA section of an unclosed element', item('1', '<x><![CDATA[y'), 'CDATA'],
    ['a quote', `${item('1').replace('1.mp3"', '1.mp3')}`, 'without their last quote'],
    ['a tag', item('1', '<x y="z" <b>q</b></x>'), 'tags without their >'],
    ['an end tag', item('1').replace('</item>', '</item'), 'nothing'],
    ['elements without number', item('1', `<x>${'<b>'.repeat(5_000)}</x>`), 'nested too deep'],
  ])('%s', (_what, broken, told) => {
    const after = `${item('2', '<x><![CDATA[z]]></x>')}${item('3', `<x y="${'q'.repeat(300)}"/>`)}`;
    const source = rss(broken + after);
    const keys = keysOf(source);
    // An item may lose what follows the damage in it; the others lose nothing.
    expect(keys.slice(-2)).toEqual(['2', '3']);
    if (told !== 'nothing') expect(toldOf(source)).toContain(told);
  });

  test('neighbours of a title without its end are read', () => {
    const [first] = read(
      rss(`<item><title>One<guid>g</guid><pubDate>Tue, 17 Mar 2026 06:00:00 GMT</pubDate>
        <enclosure url="https://h.test/1.mp3"/></item>`),
    ).items;
    expect(first).toMatchObject({ title: 'One', key: 'g', publishedMs: Date.UTC(2026, 2, 17, 6) });
  });

  test('an item that is quoted in CDATA is no episode', () => {
    const quoted = `<description><![CDATA[write ${item('x')} so]]></description>`;
    expect(keysOf(rss(item('1', quoted) + item('2')))).toEqual(['1', '2']);
  });

  test('what stands in a comment is no episode', () => {
    expect(keysOf(rss(`<!-- ${item('x')} -->${item('1')}`))).toEqual(['1']);
  });
});

describe('dialects', () => {
  test.each([
    ['a prefix of its own', '<rss xmlns:a="http://www.itunes.com/DTDs/Podcast-1.0.dtd">', 'a:'],
    ['https, and a slash', '<rss xmlns:i="https://www.itunes.com/dtds/podcast-1.0.dtd/">', 'i:'],
    ['a misspelled namespace', '<rss xmlns:itunes="http://www.itunes.com/podcast">', 'itunes:'],
    ['no declaration', '<rss>', 'itunes:'],
    ['upper case', '<RSS>', 'ITUNES:'],
  ])('itunes with %s', (_what, root, prefix) => {
    const [first] = read(
      `${root}<channel>${item('1', `<${prefix}duration>61</${prefix}duration>`)}</channel></${root.slice(1, 4)}>`,
    ).items;
    expect(first?.durationSecondsEstimate).toBe(61);
  });

  test('an element may declare its own default namespace', () => {
    const duration =
      '<duration xmlns="http://www.itunes.com/dtds/podcast-1.0.dtd">1:01</duration><title>T</title>';
    expect(read(rss(item('1', duration))).items[0]).toMatchObject({
      durationSecondsEstimate: 61,
      title: 'T',
    });
  });

  test('RSS that declares a namespace for all its elements is RSS', () => {
    const source = rss(item('1')).replace('<rss', '<rss xmlns="http://www.w3.org/2005/Atom"');
    expect(keysOf(source)).toEqual(['1']);
  });

  test.each([
    ['rss', 'urn:of-a-generator'],
    ['channel', 'urn:of-a-generator'],
    ['channel', 'http://www.itunes.com/dtds/podcast-1.0.dtd'],
    ['item', 'urn:of-a-generator'],
  ])('a default namespace on <%s> hides no item (%s)', (name, uri) => {
    const source = rss(item('1', '<title>T</title>')).replace(
      new RegExp(`<${name}\\b`),
      `<${name} xmlns="${uri}"`,
    );
    expect(read(source).items).toMatchObject([{ key: '1', title: 'T' }]);
  });

  test('nor one on the root of RSS 1.0 or of an OPML list', () => {
    const rdf = `<rdf:RDF xmlns="urn:x" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><channel/>${item('1')}</rdf:RDF>`;
    expect(keysOf(rdf)).toEqual(['1']);
    const opml = '<opml xmlns="urn:x"><body><outline xmlUrl="https://a.test/feed"/></body></opml>';
    const list = readXml(encode(opml), null, new OpmlReader({ baseUrl: null, feedsMax: 10 }));
    expect(list).toMatchObject({ ok: true, value: { feeds: [{ url: 'https://a.test/feed' }] } });
  });

  test('RSS 1.0: items beside the channel, known by rdf:about', () => {
    const source = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
      xmlns:enc="http://purl.oclc.org/net/rss_2.0/enc#"><channel rdf:about="c"><title>Old</title></channel>
      <item rdf:about="https://h.test/1"><title>One</title>
      <enc:enclosure rdf:resource="/1.mp3" enc:type="audio/mpeg" enc:length="9"/></item></rdf:RDF>`;
    const document = read(source);
    expect(document.title).toBe('Old');
    expect(document.items[0]).toMatchObject({
      key: 'https://h.test/1',
      enclosureUrl: 'https://h.test/1.mp3',
      lengthBytes: 9,
    });
  });

  test('Atom: xml:base, markup in titles, links of a source are not the entry’s', () => {
    const source = `<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://base.test/a/"><title type="html">A &lt;b&gt;B&lt;/b&gt;</title>
      <entry xml:base="b/"><id>1</id><title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">X <i>Y</i></div></title>
      <source><id>0</id><link rel="enclosure" href="wrong.mp3"/></source>
      <link rel="enclosure" type="audio/mpeg" href="c.mp3"/><updated>2026-03-17T06:00:00Z</updated></entry>
      <entry><id>2</id><link rel="enclosure" href="d.mp3"/></entry></feed>`;
    const document = read(source);
    expect(document.title).toBe('A B');
    expect(document.items).toMatchObject([
      { key: '1', title: 'X Y', enclosureUrl: 'https://base.test/a/b/c.mp3' },
      { key: '2', enclosureUrl: 'https://base.test/a/d.mp3' },
    ]);
  });

  test('what an item says beside itself is kept', () => {
    const extras = `<podcast:transcript url="/1.srt" type="application/x-subrip" language="en"/>
      <podcast:transcript url="/1.vtt" type="text/vtt"/><podcast:chapters url="/1.json" type="application/json+chapters"/>
      <podcast:person role="Guest">Ann &amp; Bob</podcast:person><podcast:person>Cat</podcast:person>
      <itunes:explicit>Yes</itunes:explicit><itunes:block>yes</itunes:block><itunes:episodeType>Trailer</itunes:episodeType>`;
    expect(read(rss(item('1', extras))).items[0]).toMatchObject({
      transcripts: [
        { url: 'https://h.test/1.srt', type: 'application/x-subrip', language: 'en' },
        { url: 'https://h.test/1.vtt', type: 'text/vtt', language: null },
      ],
      chaptersUrl: 'https://h.test/1.json',
      persons: [
        { name: 'Ann & Bob', role: 'guest' },
        { name: 'Cat', role: 'host' },
      ],
      isExplicit: true,
      isBlocked: true,
      episodeType: 'trailer',
    });
  });

  test('what a feed says of itself is kept', () => {
    const said = `<podcast:medium>Music</podcast:medium><podcast:guid>abc</podcast:guid><itunes:block>Yes</itunes:block>
      <podcast:updateFrequency complete="true">done</podcast:updateFrequency><ttl>60</ttl>
      <atom:link rel="hub" href="https://hub.test/"/><atom:link rel="self" href="https://h.test/self"/>
      <podcast:liveItem status="live"><title>Live</title>${item('live')}</podcast:liveItem>`;
    const document = read(rss(said + item('1')));
    expect(document).toMatchObject({
      medium: 'music',
      podcastGuid: 'abc',
      isBlocked: true,
      isComplete: true,
      ttlMinutes: 60,
      selfUrl: 'https://h.test/self',
    });
    expect(document.items.map(({ key }) => key)).toEqual(['1']);
    expect(document.problems).toContainEqual({
      kind: 'left_out',
      message: '1 item live passed over',
      count: 1,
      place: 'item 1',
    });
  });

  test('a title that was escaped once too often is read as it was meant', () => {
    expect(read(rss(item('1', '<title>Q&amp;amp;A &amp;#8211; x</title>'))).items[0]?.title).toBe(
      'Q&A – x',
    );
  });
});

describe('limits', () => {
  test('many attributes, many enclosures, a huge title: the items after them are read', () => {
    const attributes = Array.from({ length: 20_000 }, (_, i) => `a${i}="b"`).join(' ');
    const images = '<enclosure url="https://h.test/a.png" type="image/png"/>'.repeat(1_500);
    const source = rss(
      item('1', `<x ${attributes}/>`) +
        item('2', images) +
        item('3', `<title>${'t'.repeat(1_000_000)}</title>`),
    );
    expect(keysOf(source)).toEqual(['1', '2', '3']);
    expect(read(source).items[2]?.title).toHaveLength(4096);
  });

  test('time grows with the length and no faster, whatever is left open', () => {
    const pieces = [
      '<x y="',
      '<a><![CDATA[</item>',
      '<!-- ',
      '</zzz>',
      '<',
      '&',
      '<!DOCTYPE a [ "',
      '<item><title>',
      "<a b='</item>",
    ];
    for (const piece of pieces) {
      const began = performance.now();
      parse(rss(item('1') + piece.repeat(Math.ceil(400_000 / piece.length))));
      // Quadratic, it would be minutes.
      expect(performance.now() - began, piece).toBeLessThan(4_000);
    }
  });
});

describe('damage never throws, hangs, or takes an item before it', () => {
  const items = Array.from({ length: 4 }, (_, i) =>
    item(
      `g-${i}`,
      `<title><![CDATA[T & ${i}]]></title><itunes:duration>1:0${i}</itunes:duration><description>a &lt;b&gt; &amp; c</description>`,
    ),
  );
  const whole = rss(
    items.join(''),
    '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE rss [<!ENTITY x "y">]>',
  );
  const ends = items.map((_, i) => whole.indexOf('</item>', whole.indexOf(`g-${i}.mp3`)) + 7);
  const finishedBefore = (at: number) => ends.filter((end) => end <= at).length;

  test('cut at every byte', () => {
    for (let at = 0; at <= whole.length; at++) {
      const result = parse(whole.slice(0, at));
      const keys = result.ok ? result.value.items.map(({ key }) => key) : [];
      expect(keys.length, `cut at ${at}`).toBeGreaterThanOrEqual(finishedBefore(at));
      expect(keys).toEqual(items.slice(0, keys.length).map((_, i) => `g-${i}`));
      if (result.ok && at < whole.indexOf('</rss')) {
        expect(result.value.isPartial, `cut at ${at}`).toBe(true);
        expect(
          result.value.problems.some(({ kind }) => kind === 'lost'),
          `cut at ${at}`,
        ).toBe(true);
      }
    }
  });

  test('any bytes overwritten, put in, or taken out', () => {
    const bytes = encode(whole);
    const from = fc.nat(bytes.length - 1);
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc
        .constantFrom(
          '<',
          '>',
          '"',
          "'",
          '&',
          ']]>',
          '<![CDATA[',
          '<!--',
          '</',
          '<item>',
          '\0',
          '<?',
          '<!DOCTYPE [',
        )
        .map(encode),
    );
    fc.assert(
      fc.property(from, fc.nat(6), piece, (at, removed, put) => {
        const damaged = Uint8Array.of(
          ...bytes.subarray(0, at),
          ...put,
          ...bytes.subarray(at + removed),
        );
        const result = parse(damaged);
        const keys = result.ok ? result.value.items.map(({ key }) => key) : [];
        const before = finishedBefore(at);
        expect(keys.slice(0, before)).toEqual(items.slice(0, before).map((_, i) => `g-${i}`));
      }),
      { numRuns: 400 },
    );
  });

  test('any bytes at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        parse(bytes);
        parse(Uint8Array.of(...encode('<rss><channel><item>'), ...bytes));
      }),
      { numRuns: 300 },
    );
  });
});
