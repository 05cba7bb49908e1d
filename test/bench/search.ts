/**
 * `npm run bench:search -- --hours 10000`: full text search over so many hours of synthetic transcripts, through the
 * thread that a coordinator asks, against grep over the same text. Needs 330 kB of a temporary folder and 50 to 100 ms for
 * each hour; `--folder DIR` keeps what it made, and finds it there the next time.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseSearchQuery } from '../../apps/coordinator/src/core/search-query.ts';
import { TranscriptIndexFile } from '../../apps/coordinator/src/shell/transcript-index-file.ts';
import { TranscriptIndexThread } from '../../apps/coordinator/src/shell/transcript-index-thread.ts';
import { Prng } from '../sim/prng.ts';
import { SyntheticSpeech, WORDS } from './synthetic-speech.ts';

const FEEDS = 200;
/** As the coordinator writes them. */
const EPISODES_A_WRITE = 16;
const SEED = 1;

const { values } = parseArgs({
  options: {
    hours: { type: 'string', default: '10000' },
    searches: { type: 'string', default: '20' },
    folder: { type: 'string' },
  },
});
const hours = Number(values.hours);
const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'podctl-bench-search-'));
const path = join(folder, `search-${hours}.sqlite`);
const textPath = join(folder, `text-${hours}.txt`);
const speech = new SyntheticSpeech(SEED);
const random = new Prng(7);

/** The index, and beside it the same text for grep, a passage a line. */
async function build(): Promise<void> {
  const file = new TranscriptIndexFile(path, { kind: 'write', cluster: 'bench' });
  const text = createWriteStream(textPath);
  let seconds = 0;
  let longest = 0;
  for (let n = 0; n < hours; n += EPISODES_A_WRITE) {
    const count = Math.min(EPISODES_A_WRITE, hours - n);
    const episodes = Array.from({ length: count }, (_, i) => speech.episode(n + i, FEEDS));
    const lines = episodes.flatMap(({ passages }) => passages.map((passage) => passage.text));
    if (!text.write(`${lines.join('\n')}\n`)) await once(text, 'drain');
    const began = performance.now();
    file.put(episodes);
    const took = (performance.now() - began) / 1_000;
    seconds += took;
    longest = Math.max(longest, took);
    if (n % 1_000 < EPISODES_A_WRITE) console.log(`  ${n} h indexed in ${seconds.toFixed(0)} s`);
  }
  file.close();
  text.end();
  await once(text, 'finish');
  const perHour = ((seconds / hours) * 1_000).toFixed(0);
  console.log(
    `indexed ${hours} h in ${seconds.toFixed(0)} s (${perHour} ms an hour of speech; longest write ${longest.toFixed(1)} s)`,
  );
}

const word = (from: number, to: number) =>
  speech.words[random.between(from, Math.min(to, WORDS - 1))] ?? '';
const begin = (from: number, to: number, length: number) => `${word(from, to).slice(0, length)}*`;

/** By how frequent the words are: 0 is what "the" is in English. */
const queries: { readonly [kind: string]: () => string } = {
  'a very common word': () => word(0, 50),
  'a word': () => word(50, 2_000),
  'a rare word': () => word(2_000, WORDS),
  'a common word and another': () => `${word(0, 300)} ${word(50, 3_000)}`,
  'two rare words': () => `${word(3_000, 20_000)} ${word(3_000, 20_000)}`,
  'three very common words': () => `${word(0, 30)} ${word(0, 30)} ${word(0, 30)}`,
  'a phrase of two common words': () => `"${word(0, 100)} ${word(0, 100)}"`,
  'a phrase of two words': () => `"${word(10, 1_000)} ${word(10, 1_000)}"`,
  'a phrase of three common words': () => `"${word(0, 100)} ${word(0, 100)} ${word(0, 100)}"`,
  'a beginning of 3 letters': () => begin(0, 5_000, 3),
  'a beginning of 4 letters': () => begin(100, 20_000, 4),
  'a beginning of 6 letters': () => begin(100, 20_000, 6),
  'two beginnings': () => `${begin(0, 20_000, 4)} ${begin(0, 20_000, 5)}`,
  'a word without another': () => `${word(50, 2_000)} -${word(0, 50)}`,
};
const filters = {
  all: { feed: null, sinceMs: null },
  '--feed': { feed: 'feed-3', sinceMs: null },
  '--since 90d': { feed: null, sinceMs: speech.since(90) },
  both: { feed: 'feed-7', sinceMs: speech.since(365) },
};

async function measure(): Promise<number[]> {
  const thread = new TranscriptIndexThread({
    ...{ name: 'bench', path, opening: { kind: 'read' } },
    ...{ callMsMax: 60_000, queueMax: 1 },
  });
  const signal = new AbortController().signal;
  const all: number[] = [];
  for (const [kind, make] of Object.entries(queries)) {
    const times: number[] = [];
    for (const filter of Object.values(filters))
      for (let i = 0; i < Number(values.searches); i += 1) {
        const query = parseSearchQuery(make());
        if (!query.ok) continue;
        const began = performance.now();
        await thread.call(
          'search',
          { query: query.value, ...filter, limit: 21, after: null },
          signal,
        );
        times.push(performance.now() - began);
      }
    all.push(...times);
    console.log(`| ${kind} | ${shares(times)} |`);
  }
  await thread.stop();
  return all;
}

function shares(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1);
  return `${at(0.5)} | ${at(0.95)} | ${at(1)}`;
}

/** The bare loop: each rare word through the whole text, from memory. */
function grep(): number[] {
  const env = { ...process.env, LC_ALL: 'C' };
  return Array.from({ length: 6 }, () => {
    const began = performance.now();
    spawnSync('grep', ['-c', '-w', '-F', word(2_000, WORDS), textPath], { env });
    return performance.now() - began;
  }).slice(1);
}

try {
  if (!existsSync(path)) await build();
  const megabytes = (name: string) => (statSync(name).size / 1e6).toFixed(0);
  console.log(`index ${megabytes(path)} MB, text ${megabytes(textPath)} MB`);
  console.log(`load ${loadavg()[0]?.toFixed(1)} before the searches`);
  console.log('| ms | median | 95th percentile | longest |');
  const all = await measure();
  console.log(`| all ${all.length} searches | ${shares(all)} |`);
  console.log(`| grep -w of a rare word | ${shares(grep())} |`);
  console.log(`load ${loadavg()[0]?.toFixed(1)} after`);
} finally {
  if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
}
