/**
 * `npm run bench:feeds -- --sample 200`: feeds of 100 items read by ours, feedsmith and rss-parser in turn, in one
 * process, from the same bytes; the median of five rounds. A sample is read and scaled to 10,000 feeds. Half of the feeds
 * are in English, half in a script that needs more than a byte a character; a host's usual amount of show notes and tags.
 */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { FeedReader } from '@podctl/domain/feed/feed-reader.ts';
import { readXml } from '@podctl/domain/feed/read-xml.ts';
import { parseFeed } from 'feedsmith';
import RssParser from 'rss-parser';
import { Prng } from '../sim/prng.ts';

const ITEMS = 100;
const FEEDS = 10_000;
const ROUNDS = 5;
const NOTES =
  'In this episode we talk about how the thing was made, who paid for it, and what became of those who did not.';
const NOTES_CYRILLIC =
  'В этом выпуске мы говорим о том, как это было сделано, кто за это заплатил и что стало с остальными.';

const { values } = parseArgs({ options: { sample: { type: 'string', default: '100' } } });
const sample = Number(values.sample);

function itemOf(feed: number, n: number, random: Prng): string {
  const notes = feed % 2 === 0 ? NOTES : NOTES_CYRILLIC;
  const paragraphs = Array.from({ length: random.between(3, 9) }, () => `<p>${notes}</p>`).join(
    '\n',
  );
  const url = `https://dts.podtrac.com/redirect.mp3/cdn.example.com/${feed}/${n}.mp3?source=rss&amp;v=${n}`;
  return `<item>
      <title>${n}. ${notes.slice(0, 40)} &amp; more</title>
      <itunes:title>${notes.slice(0, 40)} &amp; more</itunes:title>
      <guid isPermaLink="false">urn:show:${feed}:${n}</guid>
      <link>https://example.com/${feed}/${n}</link>
      <pubDate>Tue, ${String((n % 28) + 1).padStart(2, '0')} Mar 2025 06:00:00 +0000</pubDate>
      <description><![CDATA[${paragraphs}]]></description>
      <content:encoded><![CDATA[${paragraphs}]]></content:encoded>
      <itunes:summary>${notes} &lt;p&gt;${notes}&lt;/p&gt;</itunes:summary>
      <itunes:author>The makers</itunes:author>
      <itunes:duration>${n % 2}:${String(n % 60).padStart(2, '0')}:12</itunes:duration>
      <itunes:season>${1 + (n % 4)}</itunes:season><itunes:episode>${n}</itunes:episode>
      <itunes:episodeType>full</itunes:episodeType><itunes:explicit>false</itunes:explicit>
      <itunes:image href="https://cdn.example.com/${feed}/${n}.jpg"/>
      <podcast:transcript url="https://cdn.example.com/${feed}/${n}.srt" type="application/x-subrip"/>
      <podcast:person role="host">Ann</podcast:person>
      <enclosure url="${url}" length="${40_000_000 + n}" type="audio/mpeg"/>
    </item>`;
}

function feedOf(feed: number): Uint8Array {
  const random = new Prng(feed + 1);
  const items = Array.from({ length: ITEMS }, (_, n) => itemOf(feed, n, random)).join('\n');
  return new TextEncoder().encode(`<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:content="http://purl.org/rss/1.0/modules/content/"
  xmlns:atom="http://www.w3.org/2005/Atom" xmlns:podcast="https://podcastindex.org/namespace/1.0"><channel>
  <title>Show ${feed}</title><atom:link rel="self" href="https://example.com/${feed}.xml"/><language>en</language>
  <description>${NOTES}</description>${items}</channel></rss>`);
}

const documents = Array.from({ length: sample }, (_, feed) => feedOf(feed));
const megabytes = documents.reduce((sum, { byteLength }) => sum + byteLength, 0) / 1e6;
const rss = new RssParser();
const nowMs = Date.UTC(2026, 2, 20);

/** Each gives how many items it found. */
const readers: { readonly [name: string]: (bytes: Uint8Array) => number | Promise<number> } = {
  podctl(bytes) {
    const read = readXml(bytes, null, new FeedReader({ feedUrl: 'https://example.com/', nowMs }));
    return read.ok ? read.value.items.length : 0;
  },
  feedsmith(bytes) {
    const { feed } = parseFeed(new TextDecoder().decode(bytes));
    return 'items' in feed ? (feed.items?.length ?? 0) : 0;
  },
  async 'rss-parser'(bytes) {
    return (await rss.parseString(new TextDecoder().decode(bytes))).items.length;
  },
};

async function secondsOf(name: string): Promise<number> {
  const read = readers[name] ?? (() => 0);
  const began = performance.now();
  for (const bytes of documents) {
    const found = await read(bytes);
    if (found !== ITEMS) throw new Error(`${name} found ${found} items of ${ITEMS}`);
  }
  return (performance.now() - began) / 1_000;
}

const seconds = new Map<string, number[]>(Object.keys(readers).map((name) => [name, []]));
// The first round warms up and is not counted.
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, taken] of seconds) {
    const took = await secondsOf(name);
    if (round > 0) taken.push(took);
  }
}

const median = (taken: readonly number[]) =>
  taken.toSorted((a, b) => a - b)[Math.floor(taken.length / 2)] ?? 0;
const ours = median(seconds.get('podctl') ?? []);
const [load = 0] = loadavg();
console.log(
  `reading feeds: ${sample} of ${ITEMS} items (${megabytes.toFixed(1)} MB), ${cpus().length} CPUs, load ${load.toFixed(1)}`,
);
for (const [name, taken] of seconds) {
  const took = median(taken);
  const whole = ((took / sample) * FEEDS).toFixed(0);
  const spread = `${Math.min(...taken).toFixed(2)} to ${Math.max(...taken).toFixed(2)}`;
  console.log(
    `  ${name.padEnd(10)} ${((took / sample) * 1_000).toFixed(2)} ms a feed, ${(megabytes / took).toFixed(0)} MB/s, ` +
      `${whole} s for ${FEEDS} feeds; ${(took / ours).toFixed(1)} times ours (rounds of ${spread} s)`,
  );
}
