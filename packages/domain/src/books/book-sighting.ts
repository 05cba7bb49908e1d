import { type NameSpan, personAt, personBefore, titleAt, titleBefore } from './book-name.ts';
import {
  ADVERT,
  BOOK_COMPANY,
  BOOK_NOUNS,
  BOOKED,
  CALLED,
  IDIOMS,
  NEW_THINGS,
  NO_BOOK_AFTER,
  OTHER_WORKS,
  OWNERS,
  PRAISE,
  READ_VERBS,
  RECOMMEND_VERBS,
  TITLE_FILLERS,
} from './book-words.ts';
import { Near, type SpokenToken } from './spoken-token.ts';

/** Where a book seems to be spoken of: tokens from `from` up to `to`. */
export interface BookSighting {
  readonly from: number;
  readonly to: number;
  readonly title: string | null;
  readonly author: string | null;
  readonly confidence: number;
  readonly recommended: boolean;
}

/** How sure each way of speaking makes it. Set by the texts of the tests, not measured on a corpus. */
const SURE = {
  titleAndAuthor: 0.95,
  called: 0.8,
  authorOf: 0.85,
  nameByPerson: 0.85,
  readNameByPerson: 0.75,
  ownedTitle: 0.7,
  wrote: 0.6,
  bookBy: 0.6,
  namedIs: 0.55,
  readTitle: 0.55,
  praised: 0.4,
} as const;

/** Words that a book, praise or an advertisement reaches. */
const COMPANY_TOKENS = 40;
const PRAISE_TOKENS = 20;
const ADVERT_TOKENS = 40;
const READ_TOKENS = 4;
const RECOMMEND_TOKENS_BEFORE = 4;
const RECOMMEND_TOKENS_AFTER = 40;
const FILLERS_MAX = 3;

/** Looks once through the words of a transcript; at each cue it looks a few words around. */
export class BookSightings {
  readonly #tokens: readonly SpokenToken[];
  readonly #books: Near;
  readonly #company: Near;
  readonly #others: Near;
  readonly #praise: Near;
  readonly #adverts: Near;
  readonly #recommends: Near;
  /** Behind the last one that was found: its words are no part of another. */
  #free = 0;

  constructor(tokens: readonly SpokenToken[]) {
    this.#tokens = tokens;
    const has = (set: ReadonlySet<string>) => (i: number) => set.has(this.#word(i));
    this.#books = new Near(tokens, (i) => this.#isBook(i));
    this.#company = new Near(tokens, (i) => BOOK_COMPANY.has(this.#word(i)) || this.#isBook(i));
    this.#others = new Near(tokens, has(OTHER_WORKS));
    this.#praise = new Near(tokens, has(PRAISE));
    this.#recommends = new Near(tokens, has(RECOMMEND_VERBS));
    this.#adverts = new Near(tokens, (i) => this.#isAdvert(i));
  }

  /** In the order of time. None overlaps another. */
  all(): BookSighting[] {
    const found: BookSighting[] = [];
    for (let i = 0; i < this.#tokens.length; i += 1) {
      const seen = i < this.#free ? null : this.#at(i);
      if (seen === null) continue;
      this.#free = seen.to + 1;
      const isPaid = this.#adverts.any(seen.from - ADVERT_TOKENS, seen.to + ADVERT_TOKENS);
      if (!isPaid) found.push(seen);
    }
    return found;
  }

  #at(i: number): BookSighting | null {
    const word = this.#word(i);
    if (word === 'by') return this.#byPerson(i);
    if (word === 'author' && this.#word(i + 1) === 'of') return this.#authorOf(i);
    if (word === 'wrote') return this.#wrote(i);
    if (this.#isBook(i)) return this.#book(i) ?? this.#praised(i);
    if (READ_VERBS.has(word) || RECOMMEND_VERBS.has(word)) return this.#read(i);
    return null;
  }

  /** "Her novel X", "a book called X by Y", "a book by Y", "the book is X". */
  #book(i: number): BookSighting | null {
    if (this.#tokens[i]?.endsSentence === true) return null;
    const next = this.#word(i + 1);
    if (CALLED.has(next)) return this.#titled(i, titleAt(this.#tokens, i + 2), SURE.called);
    if (next === 'by') return this.#bookBy(i);
    if (next === 'is' || next === 'was') {
      const isNamed = CALLED.has(this.#word(i + 2));
      const title = titleAt(this.#tokens, i + (isNamed ? 3 : 2));
      return this.#titled(i, title, isNamed ? SURE.called : SURE.namedIs);
    }
    const isOwned = OWNERS.has(this.#word(i - 1)) || OWNERS.has(this.#word(i - 2));
    return isOwned ? this.#titled(i, titleAt(this.#tokens, i + 1), SURE.ownedTitle) : null;
  }

  #bookBy(i: number): BookSighting | null {
    const author = personAt(this.#tokens, i + 2);
    if (author === null) return null;
    const title = CALLED.has(this.#word(author.to + 1))
      ? titleAt(this.#tokens, author.to + 2)
      : null;
    return this.#seen(i, title, author, title === null ? SURE.bookBy : SURE.titleAndAuthor);
  }

  /** "X by Y": a book where books are spoken of, or where it is read. */
  #byPerson(i: number): BookSighting | null {
    const isWritten = this.#word(i - 1) === 'written';
    const title = titleBefore(this.#tokens, i - (isWritten ? 2 : 1), this.#free);
    const author = personAt(this.#tokens, i + 1);
    if (title === null || author === null || this.#isOtherWork(title.from)) return null;
    const isBook = isWritten || this.#isAmongBooks(title.from, author.to);
    const isRead = this.#isRead(title.from);
    if (!isBook && !isRead) return null;
    if (author.from === author.to && !(isBook && isRead)) return null;
    const sure = isBook ? SURE.nameByPerson : SURE.readNameByPerson;
    return this.#seen(title.from, title, author, isBook && isRead ? SURE.titleAndAuthor : sure);
  }

  /** "Y, the bestselling author of X". */
  #authorOf(i: number): BookSighting | null {
    const title = this.#titleSoon(i + 2);
    if (title === null) return null;
    let last = i - 1;
    while (last > i - 6 && last >= this.#free && this.#tokens[last]?.isName === false) last -= 1;
    return this.#seen(i, title, personBefore(this.#tokens, last), SURE.authorOf);
  }

  #wrote(i: number): BookSighting | null {
    const title = this.#titleSoon(i + 1);
    if (title === null || !this.#isAmongBooks(i, title.to)) return null;
    return this.#titled(i, title, SURE.wrote);
  }

  /** "I am reading X", "I recommend X": where books are spoken of. */
  #read(i: number): BookSighting | null {
    if (this.#tokens[i]?.endsSentence === true) return null;
    const title = this.#titleSoon(i + 1);
    if (title === null || !this.#isAmongBooks(i, title.to)) return null;
    return this.#titled(i, title, SURE.readTitle);
  }

  /** "I recommend this book", "the first book is … I recommend it", which has no name here. */
  #praised(i: number): BookSighting | null {
    if (this.#isIdiom(i)) return null;
    const isPraised = this.#recommends.any(i - RECOMMEND_TOKENS_BEFORE, i + RECOMMEND_TOKENS_AFTER);
    return isPraised ? this.#seen(i, null, null, SURE.praised) : null;
  }

  /** With the author, where one follows. */
  #titled(from: number, title: NameSpan | null, sure: number): BookSighting | null {
    if (title === null) return null;
    const at = title.to + (this.#word(title.to + 1) === 'written' ? 2 : 1);
    const isBy = this.#word(at) === 'by' && this.#tokens[title.to]?.endsSentence !== true;
    const author = isBy ? personAt(this.#tokens, at + 1) : null;
    return this.#seen(from, title, author, author === null ? sure : SURE.titleAndAuthor);
  }

  #seen(
    cue: number,
    title: NameSpan | null,
    author: NameSpan | null,
    confidence: number,
  ): BookSighting {
    const spans = [title, author].filter((span) => span !== null);
    const from = Math.min(cue, ...spans.map((span) => span.from));
    const to = Math.max(cue, ...spans.map((span) => span.to));
    const recommended = this.#praise.any(from - PRAISE_TOKENS, to + PRAISE_TOKENS);
    return {
      from,
      to,
      title: title?.text ?? null,
      author: author?.text ?? null,
      confidence,
      recommended,
    };
  }

  /** A title after a few words that only lead to it, within the sentence. */
  #titleSoon(from: number): NameSpan | null {
    for (let i = from; i <= from + FILLERS_MAX; i += 1) {
      if (this.#tokens[i - 1]?.endsSentence === true) return null;
      const title = titleAt(this.#tokens, i);
      if (title !== null) return title;
      if (!TITLE_FILLERS.has(this.#word(i)) && !BOOK_NOUNS.has(this.#word(i))) return null;
    }
    return null;
  }

  #isAmongBooks(from: number, to: number): boolean {
    return this.#company.any(from - COMPANY_TOKENS, to + COMPANY_TOKENS);
  }

  /** Somebody reads or recommends it, in a word or two before it. */
  #isRead(at: number): boolean {
    for (let i = at - 1; i >= at - READ_TOKENS && this.#tokens[i]?.endsSentence === false; i -= 1)
      if (READ_VERBS.has(this.#word(i)) || RECOMMEND_VERBS.has(this.#word(i))) return true;
    return false;
  }

  #isOtherWork(at: number): boolean {
    return this.#others.any(at - 8, at - 1) && !this.#books.any(at - 8, at - 1);
  }

  /** A kind of book, and not a table that one books or a way of speaking. */
  #isBook(i: number): boolean {
    const word = this.#word(i);
    if (!BOOK_NOUNS.has(word)) return false;
    if (word === 'novel')
      return !NEW_THINGS.has(this.#word(i + 1)) && this.#tokens[i]?.isName === false;
    if (word !== 'book') return true;
    if (NO_BOOK_AFTER.has(this.#word(i - 1))) return false;
    return ![1, 2, 3, 4].some((step) => BOOKED.has(this.#word(i + step)));
  }

  #isIdiom(i: number): boolean {
    return IDIOMS.has(`${this.#word(i - 2)} ${this.#word(i - 1)}`);
  }

  #isAdvert(i: number): boolean {
    const word = this.#word(i);
    if (ADVERT.has(word)) return true;
    const before = this.#word(i - 1);
    switch (word) {
      case 'audible':
        return this.#tokens[i]?.isName === true;
      case 'trial':
        return before === 'free';
      case 'code':
        return ['promo', 'offer', 'use', 'discount'].includes(before);
      case 'off':
        return before === 'percent';
      case 'brought':
        return this.#word(i + 1) === 'to' && this.#word(i + 2) === 'you';
      default:
        return false;
    }
  }

  #word(i: number): string {
    return this.#tokens[i]?.word ?? '';
  }
}
