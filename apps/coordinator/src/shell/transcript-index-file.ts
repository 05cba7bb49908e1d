import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Passage, PassageMark } from '@podctl/domain/transcript/passage.ts';
import { matchExpression, type SearchQuery } from '../core/search-query.ts';
import { MATCH_BEGIN, MATCH_END } from '../core/search-snippet.ts';

/** One done transcription, as it is indexed. */
export interface IndexedEpisode {
  readonly feed: string;
  readonly episode: string;
  readonly run: number;
  readonly token: number;
  readonly title: string;
  /** Null: the feed does not say. */
  readonly publishedMs: number | null;
  /** What it is sorted by: when it was published, else when it was transcribed. */
  readonly atMs: number;
  readonly passages: readonly Passage[];
}

export type IndexedName = Pick<IndexedEpisode, 'feed' | 'episode' | 'run' | 'token'>;

export interface IndexSearch {
  readonly query: SearchQuery;
  readonly feed: string | null;
  readonly sinceMs: number | null;
  readonly limit: number;
  /** Only what comes after this hit; null to begin. */
  readonly after: number | null;
}

export interface IndexHit
  extends Pick<IndexedEpisode, 'feed' | 'episode' | 'title' | 'publishedMs' | 'token'> {
  /** Rises with the day, so that it falls from hit to hit. */
  readonly id: number;
  readonly startMs: number;
  readonly markedText: string;
  readonly marks: readonly PassageMark[];
}

/** Another number makes every coordinator build its index anew. */
const SCHEMA_VERSION = 1;

/**
 * A passage's row number is day × 2^32 + episode of that day × 2^12 + passage: below 2^53 for 5,000 years. Newest first
 * and `since` are then what FTS5 does by itself, without sorting and without looking at what is older.
 */
const PASSAGES_MAX = 4_096;
const DAY_SPAN = 2 ** 32;
const DAY_MS = 86_400_000;
const DAYS_MAX = 2 ** 20;

/**
 * `passage_text` keeps no text of its own (external content): it reads `passage`. Without column sizes, which only bm25
 * reads. A feed is a word of its own column, so that FTS5 leaps through one feed's passages as through a rare word's.
 */
const SCHEMA = `
CREATE TABLE about (schema_version INTEGER NOT NULL, cluster TEXT NOT NULL);
CREATE TABLE feed (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE episode (
  base INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, feed INTEGER NOT NULL REFERENCES feed, run INTEGER NOT NULL,
  token INTEGER NOT NULL, title TEXT NOT NULL, published_ms INTEGER, at_ms INTEGER NOT NULL
);
CREATE TABLE passage (id INTEGER PRIMARY KEY, text TEXT NOT NULL, feed TEXT NOT NULL, marks TEXT NOT NULL);
CREATE VIRTUAL TABLE passage_text USING fts5(
  text, feed, content='passage', content_rowid='id', columnsize=0, prefix='2 3 4',
  tokenize='unicode61 remove_diacritics 2'
);`;

const SEARCH = `
SELECT p.id, p.marks, feed.name AS feed, e.name AS episode, e.title, e.published_ms AS publishedMs, e.token,
  highlight(passage_text, 0, '${MATCH_BEGIN}', '${MATCH_END}') AS markedText
FROM passage_text
CROSS JOIN passage p ON p.id = passage_text.rowid
CROSS JOIN episode e ON e.base = (p.id & ~${PASSAGES_MAX - 1})
CROSS JOIN feed ON feed.id = e.feed
WHERE passage_text MATCH :match AND passage_text.rowid >= :from AND passage_text.rowid < :below AND e.at_ms >= :since
ORDER BY passage_text.rowid DESC LIMIT :limit`;

/** What the file is opened for: one writes, and makes it where it is not there; the others only read. */
export type IndexOpening =
  | { readonly kind: 'write'; readonly cluster: string }
  | { readonly kind: 'read' };

/** The file is not one of this version and cluster: it is to be made anew. */
export class OtherIndex extends Error {}

/** Full text of every indexed passage in one SQLite file. Blocks its thread: transcript-index-worker.ts is its home. */
export class TranscriptIndexFile {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** Throws `OtherIndex`, or what SQLite says. */
  constructor(path: string, opening: IndexOpening) {
    this.#db = new DatabaseSync(path, { readOnly: opening.kind === 'read', timeout: 5_000 });
    try {
      this.#db.exec('PRAGMA cache_size = -32000; PRAGMA mmap_size = 4000000000;');
      if (opening.kind === 'write') this.#prepare(opening.cluster);
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  /** Takes all in, or nothing. One of an older run than the indexed one changes nothing. */
  put(episodes: readonly IndexedEpisode[]): void {
    // FTS5 keeps what is written in order of rows in memory and writes it once; out of order it writes at each step back.
    const sorted = [...episodes].sort((a, b) => a.atMs - b.atMs);
    this.#transaction(() => {
      for (const episode of sorted) this.#replace(episode);
    });
  }

  remove(episodes: readonly string[]): void {
    this.#transaction(() => {
      for (const episode of episodes) this.#remove(episode);
    });
  }

  /** The tokens that are indexed of these episodes, in their order; null where there is none. */
  tokens(episodes: readonly string[]): (number | null)[] {
    const statement = this.#statement('SELECT token FROM episode WHERE name = ?');
    return episodes.map((episode) => {
      const row = statement.get(episode);
      return row === undefined ? null : Number(row.token);
    });
  }

  /** Episodes in the order of their names, those after one. */
  names(after: string, limit: number): IndexedName[] {
    return this.#statement(
      'SELECT e.name AS episode, feed.name AS feed, run, token FROM episode e JOIN feed ON feed.id = e.feed WHERE e.name > ? ORDER BY e.name LIMIT ?',
    )
      .all(after, limit)
      .map(({ episode, feed, run, token }) => ({
        episode: String(episode),
        feed: String(feed),
        run: Number(run),
        token: Number(token),
      }));
  }

  episodes(): number {
    return Number(this.#statement('SELECT count(*) AS n FROM episode').get()?.n ?? 0);
  }

  /** Newest day first, and within an episode its end first. */
  search({ query, feed, sinceMs, limit, after }: IndexSearch): IndexHit[] {
    const word = feed === null ? null : this.#feedWord(feed);
    if (feed !== null && word === null) return [];
    return this.#statement(SEARCH)
      .all({
        match: matchExpression(query, word),
        // As integers: FTS5 passes over bounds that are not, and would walk through everything.
        from: BigInt(sinceMs === null ? 0 : dayOf(sinceMs) * DAY_SPAN),
        below: BigInt(after ?? Number.MAX_SAFE_INTEGER),
        since: sinceMs ?? Number.MIN_SAFE_INTEGER,
        limit,
      })
      .map(hitOf);
  }

  #prepare(cluster: string): void {
    const db = this.#db;
    db.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 64000000;',
    );
    const made = db.prepare("SELECT name FROM sqlite_master WHERE name = 'about'").get();
    if (made !== undefined) {
      const about = db.prepare('SELECT schema_version AS version, cluster FROM about').get();
      if (about?.version !== SCHEMA_VERSION || about.cluster !== cluster)
        throw new OtherIndex('it is of another version or cluster');
      return;
    }
    this.#transaction(() => {
      db.exec(SCHEMA);
      db.prepare('INSERT INTO about VALUES (?, ?)').run(SCHEMA_VERSION, cluster);
    });
  }

  #replace(episode: IndexedEpisode): void {
    const { feed, episode: name, run, token, title, publishedMs, atMs, passages } = episode;
    const known = this.#statement('SELECT run, token FROM episode WHERE name = ?').get(name);
    if (known !== undefined && (Number(known.run) > run || known.token === token)) return;
    this.#remove(name);
    this.#statement('INSERT OR IGNORE INTO feed (name) VALUES (?)').run(feed);
    const feedId = Number(this.#statement('SELECT id FROM feed WHERE name = ?').get(feed)?.id);
    const base = this.#newBase(atMs);
    this.#statement('INSERT INTO episode VALUES (?, ?, ?, ?, ?, ?, ?, ?)').run(
      ...[base, name, feedId, run, token, title, publishedMs, atMs],
    );
    const text = this.#statement('INSERT INTO passage VALUES (?, ?, ?, ?)');
    const index = this.#statement('INSERT INTO passage_text (rowid, text, feed) VALUES (?, ?, ?)');
    const word = feedWordOf(feedId);
    for (const [i, passage] of passages.slice(0, PASSAGES_MAX).entries()) {
      text.run(base + i, passage.text, word, encodeMarks(passage.marks));
      index.run(base + i, passage.text, word);
    }
  }

  #remove(name: string): void {
    const row = this.#statement('SELECT base FROM episode WHERE name = ?').get(name);
    if (row === undefined) return;
    const base = Number(row.base);
    const range = [base, base + PASSAGES_MAX];
    // FTS5 forgets words only when it is given them again.
    this.#statement(
      "INSERT INTO passage_text (passage_text, rowid, text, feed) SELECT 'delete', id, text, feed FROM passage WHERE id >= ? AND id < ?",
    ).run(...range);
    this.#statement('DELETE FROM passage WHERE id >= ? AND id < ?').run(...range);
    this.#statement('DELETE FROM episode WHERE base = ?').run(base);
  }

  /** After the last episode of its day. */
  #newBase(atMs: number): number {
    const first = dayOf(atMs) * DAY_SPAN;
    const row = this.#statement(
      'SELECT max(base) AS last FROM episode WHERE base >= ? AND base < ?',
    ).get(first, first + DAY_SPAN);
    const last = row?.last ?? null;
    return last === null ? first : Number(last) + PASSAGES_MAX;
  }

  #feedWord(feed: string): string | null {
    const row = this.#statement('SELECT id FROM feed WHERE name = ?').get(feed);
    return row === undefined ? null : feedWordOf(Number(row.id));
  }

  #transaction(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.#db.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }
}

function hitOf(row: Readonly<Record<string, unknown>>): IndexHit {
  const { id, feed, episode, title, publishedMs, token, markedText, marks } = row;
  const read = decodeMarks(String(marks));
  return {
    id: Number(id),
    feed: String(feed),
    episode: String(episode),
    title: String(title),
    publishedMs: publishedMs === null ? null : Number(publishedMs),
    token: Number(token),
    startMs: read[0]?.ms ?? 0,
    markedText: String(markedText),
    marks: read,
  };
}

function dayOf(ms: number): number {
  return Math.min(DAYS_MAX - 1, Math.max(0, Math.floor(ms / DAY_MS)));
}

/** One word to the tokenizer. */
function feedWordOf(id: number): string {
  return `f${id}`;
}

/** `at:ms` with spaces between. */
function encodeMarks(marks: readonly PassageMark[]): string {
  return marks.map(({ at, ms }) => `${at}:${ms}`).join(' ');
}

function decodeMarks(text: string): PassageMark[] {
  if (text === '') return [];
  return text.split(' ').map((mark) => {
    const [at, ms] = mark.split(':');
    return { at: Number(at), ms: Number(ms) };
  });
}
