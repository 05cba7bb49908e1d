import type { Passage } from '@podctl/domain/transcript/passage.ts';
import type { IndexedEpisode } from '../../apps/coordinator/src/shell/transcript-index-file.ts';
import { Prng } from '../sim/prng.ts';

export const WORDS = 60_000;
/** 9,000 words an hour, as people speak, in passages of 45 s. */
const PASSAGES_AN_HOUR = 80;
const WORDS_A_PASSAGE = 112;
const DAY_MS = 86_400_000;
const FIRST_DAY_MS = Date.UTC(2016, 0, 1);
const DAYS = 3_650;

/** Speech by the law of Zipf and Mandelbrot: the same for the same seed. */
export class SyntheticSpeech {
  /** The most frequent first. */
  readonly words: readonly string[];
  readonly #random: Prng;
  readonly #ranks = new Uint32Array(2 ** 22);

  constructor(seed: number) {
    this.#random = new Prng(seed);
    this.words = inventedWords(this.#random);
    const weights = this.words.map((_, rank) => 1 / (rank + 2.7));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let at = 0;
    let share = 0;
    for (const [rank, weight] of weights.entries()) {
      share += weight / total;
      const end = Math.round(share * this.#ranks.length);
      this.#ranks.fill(rank, at, end);
      at = end;
    }
  }

  /** One hour long, of one of the feeds, of any day of ten years. */
  episode(n: number, feeds: number): IndexedEpisode {
    const day = this.#random.between(0, DAYS - 1);
    const publishedMs = FIRST_DAY_MS + day * DAY_MS + this.#random.between(0, DAY_MS - 1);
    return {
      feed: `feed-${this.#random.between(0, feeds - 1)}`,
      episode: `episode-${n}`,
      run: 1,
      token: n + 1,
      title: `Episode ${n}`,
      publishedMs,
      atMs: publishedMs,
      passages: Array.from({ length: PASSAGES_AN_HOUR }, (_, i) => this.#passage(i * 45_000)),
    };
  }

  /** A time of the last `days` days. */
  since(days: number): number {
    return FIRST_DAY_MS + (DAYS - days) * DAY_MS;
  }

  #passage(startMs: number): Passage {
    const words = Array.from({ length: WORDS_A_PASSAGE }, () => this.#word());
    const text = `${words.join(' ')}.`;
    const marks = Array.from({ length: 10 }, (_, i) => ({
      at: i * 60,
      ms: startMs + i * 4_500,
    }));
    return { startMs, text, marks };
  }

  #word(): string {
    const rank = this.#ranks[Math.floor(this.#random.next() * this.#ranks.length)] ?? 0;
    return this.words[rank] ?? '';
  }
}

/** Frequent words are short. */
function inventedWords(random: Prng): string[] {
  const onsets = 'b c d f g h j k l m n p r s t v w st tr pl ch sh th br gr'.split(' ');
  const vowels = 'a e i o u ea ou ai'.split(' ');
  const codas = ['', '', 'n', 'r', 's', 't', 'l', 'nd', 'm'];
  const known = new Set<string>();
  while (known.size < WORDS) {
    const syllables = 1 + Math.floor(Math.log10(1 + known.size) / 1.5) + random.between(0, 1);
    const word = Array.from(
      { length: syllables },
      () => random.pick(onsets) + random.pick(vowels) + random.pick(codas),
    ).join('');
    known.add(word);
  }
  return [...known];
}
