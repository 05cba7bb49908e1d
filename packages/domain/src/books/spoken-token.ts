import type { SpokenWord } from '../transcript/spoken-word.ts';

/** A word with what its spelling tells: engines write sentences, capitals and quotation marks. */
export interface SpokenToken {
  /** As it was written. */
  readonly text: string;
  /** In small letters, without what stands around it. */
  readonly word: string;
  /** Begins with a capital, or is a number. */
  readonly isName: boolean;
  readonly endsSentence: boolean;
  /** A comma, or more, follows. */
  readonly endsClause: boolean;
  readonly opensQuote: boolean;
  readonly closesQuote: boolean;
  readonly startMs: number;
}

/** Three hours of fast talk; what comes after is not looked at. */
export const TOKENS_MAX = 60_000;
const TOKEN_LENGTH_MAX = 60;

/** Most words, for which the rest need not be looked at. */
const plainWord = /^[a-z]+$/;
const PLAIN = {
  ...{ isName: false, endsSentence: false, endsClause: false },
  ...{ opensQuote: false, closesQuote: false },
} as const;

/** Not the end of a sentence though a full stop follows. */
const abbreviation = /^(?:\p{Lu}\.)+$|^(?:Dr|Mr|Mrs|Ms|St|Jr|Sr|vs)\.$/u;

export function tokensOf(words: readonly SpokenWord[]): SpokenToken[] {
  const tokens: SpokenToken[] = [];
  for (const { text: written, startMs } of words.slice(0, TOKENS_MAX)) {
    const text = written.slice(0, TOKEN_LENGTH_MAX);
    if (plainWord.test(text)) {
      tokens.push({ ...PLAIN, text, word: text, startMs });
      continue;
    }
    const core = coreOf(text);
    if (core === '') continue;
    const bare = text.replace(/["”’')\]]+$/, '');
    const endsSentence = /[.!?…]$/.test(bare) && !abbreviation.test(bare);
    tokens.push({
      text,
      word: core.toLowerCase().replaceAll('’', "'"),
      isName: /^[\p{Lu}\p{N}]/u.test(core),
      endsSentence,
      endsClause: endsSentence || /[,;:–—]$/.test(bare),
      opensQuote: /^["“‘']/.test(text),
      closesQuote: /["”][.,;:!?…]*$|[.,;:!?…]["”]$/.test(text),
      startMs,
    });
  }
  return tokens;
}

/** Without what is neither letter nor digit at both ends. */
export function coreOf(text: string): string {
  return text.replace(/^[^\p{L}\p{N}]+/u, '').replace(/[^\p{L}\p{N}]+$/u, '');
}

/** How often something was said before each token: so that "near" takes no walk. */
export class Near {
  readonly #sums: Uint32Array;

  constructor(tokens: readonly SpokenToken[], isOne: (i: number) => boolean) {
    this.#sums = new Uint32Array(tokens.length + 1);
    for (let i = 0; i < tokens.length; i += 1)
      this.#sums[i + 1] = (this.#sums[i] ?? 0) + Number(isOne(i));
  }

  /** Whether any is from `from` up to `to`, both included. */
  any(from: number, to: number): boolean {
    const last = this.#sums.length - 1;
    const first = Math.min(last, Math.max(0, from));
    const end = Math.min(last, Math.max(0, to + 1));
    return (this.#sums[end] ?? 0) > (this.#sums[first] ?? 0);
  }
}
